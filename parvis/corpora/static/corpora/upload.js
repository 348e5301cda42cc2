// Drag and drop, sending as soon as files are chosen, and how far the sending is.
// Without it the form is a file chooser and a button.

function prepare(form) {
  const drop = form.querySelector("[data-drop]");
  const chooser = form.querySelector("input[type=file]");
  form.dataset.prepared = "true";
  form.querySelector("[data-drop-words]").hidden = false;
  form.querySelector("[data-send]").hidden = true;

  for (const kind of ["dragenter", "dragover"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.dataset.over = "";
    });
  }
  drop.addEventListener("dragleave", (event) => {
    if (!drop.contains(event.relatedTarget)) delete drop.dataset.over;
  });
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    delete drop.dataset.over;
    if (!event.dataTransfer.files.length) return;
    chooser.files = event.dataTransfer.files;
    form.requestSubmit();
  });
  chooser.addEventListener("change", () => {
    if (chooser.files.length) form.requestSubmit();
  });

  const box = form.querySelector("[data-progress]");
  const words = form.querySelector("[data-progress-words]");
  const bar = form.querySelector("progress");
  form.addEventListener("htmx:beforeRequest", () => {
    box.hidden = false;
    bar.value = 0;
    words.textContent = form.dataset.sending;
  });
  form.addEventListener("htmx:xhr:progress", (event) => {
    if (event.detail.lengthComputable) bar.value = Math.round((100 * event.detail.loaded) / event.detail.total);
  });
  for (const failure of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    form.addEventListener(failure, () => {
      words.textContent = form.dataset.refused;
      bar.value = 0;
      chooser.value = "";
    });
  }
}

function prepareAll() {
  for (const form of document.querySelectorAll("[data-upload]:not([data-prepared])")) prepare(form);
}

document.addEventListener("htmx:load", prepareAll);
prepareAll();
