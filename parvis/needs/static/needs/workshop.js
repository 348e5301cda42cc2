// Dragging a need onto a harmonised one ticks it and presses that one's button. Without this, ticking and pressing remain.

const board = document.querySelector("[data-gathering]");
if (board) {
  const said = board.querySelector("[data-chosen]");
  const words = said?.textContent;
  const boxes = [...board.querySelectorAll("input[name=need]")];

  const show = () => {
    const chosen = boxes.filter((box) => box.checked);
    if (said) said.textContent = chosen.length ? `${said.dataset.chosen} ${chosen.length}` : words;
    for (const box of boxes) {
      const tile = board.querySelector(`.map-tile[href="#need-${box.value}"]`);
      tile?.toggleAttribute("data-ticked", box.checked);
    }
  };

  // A tile of the map, or an act that was done, leads to a card: unfolded, and ready to be ticked.
  const reach = () => {
    const card = document.getElementById(window.location.hash.slice(1))?.closest(".need-card"); // :target comes later
    if (!card) return;
    card.closest("[data-folded]").open = true;
    card.scrollIntoView({ block: "center" });
    card.querySelector("input[name=need]")?.focus({ preventScroll: true });
  };
  window.addEventListener("hashchange", reach);
  reach();

  const map = board.querySelector("[data-map]");
  if (map) {
    const tiles = [...map.querySelectorAll(".map-tile")];
    const caption = board.querySelector("[data-map-caption]");
    const hint = caption.textContent;
    const place = (tile) => [Number(tile.dataset.x), Number(tile.dataset.y)];
    const told = (event) => {
      const tile = event.target.closest(".map-tile");
      caption.textContent = tile ? tile.getAttribute("aria-label") : hint;
    };
    map.parentElement.addEventListener("pointerover", told);
    map.parentElement.addEventListener("focusin", told); // on the drawing itself, it would be a stop of the keyboard

    // One stop of the keyboard for the whole map; arrows go to the nearest tile that way.
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const nearest = (from, [right, down]) => {
      const [x, y] = place(from);
      const far = (tile) => {
        const [along, aside] = [(place(tile)[0] - x) * right + (place(tile)[1] - y) * down, (place(tile)[0] - x) * down + (place(tile)[1] - y) * right];
        return along > 0 ? along + 2 * Math.abs(aside) : Infinity;
      };
      return tiles.reduce((best, tile) => (far(tile) < far(best) ? tile : best), from);
    };
    map.addEventListener("keydown", (event) => {
      const tile = event.target.closest(".map-tile");
      if (!tile) return;
      if (event.key === " ") {
        event.preventDefault();
        const card = tile.getAttribute("href");
        if (card.startsWith("#")) board.querySelector(`${card} input[name=need]`)?.click();
        return;
      }
      if (!(event.key in steps)) return;
      event.preventDefault();
      const next = nearest(tile, steps[event.key]);
      tile.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    });
  }

  board.addEventListener("change", show);
  board.addEventListener("dragstart", (event) => {
    const card = event.target.closest("[data-need]");
    if (!card) return;
    event.dataTransfer.setData("text/plain", card.dataset.need);
    event.dataTransfer.effectAllowed = "link";
    board.toggleAttribute("data-dragging", true);
  });
  board.addEventListener("dragend", () => board.toggleAttribute("data-dragging", false));

  for (const target of board.querySelectorAll("[data-target]")) {
    target.addEventListener("dragover", (event) => {
      event.preventDefault();
      target.toggleAttribute("data-over", true);
    });
    target.addEventListener("dragleave", () => target.toggleAttribute("data-over", false));
    target.addEventListener("drop", (event) => {
      event.preventDefault();
      const box = boxes.find((one) => one.value === event.dataTransfer.getData("text/plain"));
      if (!box) return;
      box.checked = true;
      board.requestSubmit(target);
    });
  }
  show();
}

const minute = document.querySelector("[data-minute]");
minute?.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) minute.reset();
});
