// Proposals for a facet: one tap writes it in the field, another takes it out. Without this, the field and its list remain.

for (const chips of document.querySelectorAll("[data-chips]")) {
  const field = document.getElementById(chips.dataset.chips);
  const buttons = [...chips.querySelectorAll("button")];
  const show = () => buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.value === field.value)));

  chips.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    field.value = button.value === field.value ? "" : button.value;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
  field.addEventListener("input", show);
  field.addEventListener("change", show);
  chips.hidden = false;
  show();
}
