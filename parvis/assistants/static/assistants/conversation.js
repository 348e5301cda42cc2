// The conversation page: reads the stream of an answer, keeps the marks in step with the cited page, sends on Enter.
// Everything but the stream works without it.

const wide = window.matchMedia("(width >= 64rem)");

// What a screen reader hears: that the search began, then the answer, once.
function announce(words) {
  document.querySelector("[data-announcer]").textContent = words;
}

function spoken(turn) {
  const answer = turn.querySelector(".answer").cloneNode(true);
  for (const part of answer.querySelectorAll(".mark, .nearest, .draft, annotation")) part.remove();
  return answer.textContent.replace(/\s+/g, " ").trim();
}

function follow(turn) {
  const stream = new EventSource(turn.dataset.stream);
  const waiting = turn.querySelector("[data-waiting]");
  if (waiting) announce(waiting.textContent);
  // A block comes again each time it grows; it then takes the place of the one it was.
  stream.addEventListener("block", (event) => {
    const holder = document.createElement("template");
    holder.innerHTML = event.data.trim();
    const block = holder.content.firstElementChild;
    const former = turn.querySelector(`[data-block="${block.dataset.block}"]`);
    if (former) former.replaceWith(block);
    else turn.querySelector("[data-blocks]").append(block);
    if (waiting) waiting.textContent = waiting.dataset.writing;
    window.htmx.process(block);
  });
  stream.addEventListener("waiting", (event) => {
    if (waiting && !turn.querySelector("[data-block]")) waiting.textContent = event.data;
  });
  stream.addEventListener("notice", (event) => {
    turn.querySelector("[data-notices]").insertAdjacentHTML("beforeend", event.data);
  });
  stream.addEventListener("done", async () => {
    stream.close();
    await finish(turn);
  });
  // The browser reconnects by itself and sends the last event it had; only a refusal closes the stream for good.
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) finish(turn);
    else if (waiting) waiting.dataset.offline = "";
  });
  stream.addEventListener("open", () => waiting?.removeAttribute("data-offline"));
}

async function finish(turn) {
  const { id } = turn;
  await window.htmx.ajax("GET", turn.dataset.turnUrl, { target: turn, swap: "outerHTML" });
  for (const error of document.querySelectorAll("[data-passing]")) {
    document.querySelector("#question").removeAttribute("aria-invalid");
    error.remove();
  }
  const finished = document.getElementById(id);
  if (finished) announce(spoken(finished));
  const first = finished?.querySelector("a[data-mark]");
  if (first && wide.matches) {
    window.htmx.ajax("GET", first.href, { target: "#source", select: "#source", swap: "outerHTML" });
  }
}

function followAll(root) {
  const turns = root.matches?.("[data-stream]") ? [root] : root.querySelectorAll("[data-stream]");
  for (const turn of turns) {
    if (turn.dataset.followed) continue;
    turn.dataset.followed = "true";
    follow(turn);
  }
}

function showCurrentMark(source) {
  for (const mark of document.querySelectorAll("[data-mark]")) {
    mark.toggleAttribute("aria-current", false);
    if (mark.dataset.mark === source.dataset.currentMark) mark.setAttribute("aria-current", "true");
  }
}

let openedFrom = null;

document.addEventListener("click", (event) => {
  const mark = event.target.closest("[data-mark]");
  if (mark) openedFrom = mark;
});

document.addEventListener("htmx:afterSettle", (event) => {
  const source = event.target.closest?.("#source");
  if (!source) {
    const sent = event.target.querySelector?.(".sent");
    if (sent) announce(sent.textContent);
    showCurrentMark(document.getElementById("source"));
    return;
  }
  showCurrentMark(source);
  if (!source.hasAttribute("data-open")) openedFrom?.focus();
  else if (openedFrom && !wide.matches) source.querySelector("[data-source-title]").focus();
});

document.addEventListener("keydown", (event) => {
  const composer = event.target.closest("[data-composer]");
  if (!composer || event.key !== "Enter" || event.shiftKey || event.isComposing || !event.target.matches("textarea")) return;
  event.preventDefault();
  composer.requestSubmit();
});

document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.elt.closest("[data-ask]");
  if (!form || !event.detail.successful || event.detail.xhr.getResponseHeader("HX-Retarget")) return;
  if (form.matches("[data-composer]")) form.querySelector("textarea").value = "";
  document.querySelector("[data-welcome]")?.remove();
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id === "turns") document.querySelector("#turns > :last-child").scrollIntoView({ block: "start" });
});

document.addEventListener("htmx:load", (event) => followAll(event.detail.elt));
followAll(document);
// A short answer may be whole before its page is: it is heard all the same.
const arrived = document.querySelector("#turns > :last-child:not([data-stream])");
if (arrived && window.location.hash === `#${arrived.id}` && performance.getEntriesByType("navigation")[0]?.type === "navigate") {
  announce(spoken(arrived));
}
// A page loaded with a cited page that takes its place: that is where its reader is.
if (!wide.matches) document.querySelector("#source[data-requested] [data-source-title]")?.focus();
