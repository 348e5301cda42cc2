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

  // A tile of the map may lead to a card that is folded.
  const unfold = () => {
    const folded = board.querySelector("[data-folded]:not([open]) :target");
    if (!folded) return;
    folded.closest("[data-folded]").open = true;
    folded.scrollIntoView();
  };
  window.addEventListener("hashchange", unfold);
  unfold();

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
