// A refusal: its reason may begin with a frequent one, and its button says where the folder goes back to.
// A frequent reason is a start, not an answer: it opens the sentence that the person finishes.
function useReason(chip) {
  const area = chip.closest("form")?.querySelector("textarea");
  if (!area) return;
  const words = chip.textContent.trim();
  for (const other of chip.parentElement.querySelectorAll("[aria-pressed]")) other.setAttribute("aria-pressed", "false");
  chip.setAttribute("aria-pressed", "true");
  const kept = area.value.trim();
  area.value = kept && kept !== area.dataset.reason ? `${words}. ${kept}` : `${words}. `;
  area.dataset.reason = area.value.trim();
  area.dispatchEvent(new Event("input", { bubbles: true }));
  area.focus();
  area.setSelectionRange(area.value.length, area.value.length);
}

export function startReasons(form) {
  form.addEventListener("click", ({ target }) => {
    const chip = target.closest("button.chip[aria-pressed]");
    if (chip) useReason(chip);
  });
  for (const chip of form.querySelectorAll("button.chip")) chip.disabled = false; // before, it would do nothing
  const words = form.querySelector("[data-back-words]");
  if (!words) return;
  const say = () => {
    const to = form.querySelector("[name=to]:checked");
    if (to) words.textContent = to.dataset.back;
  };
  form.addEventListener("change", ({ target }) => target.name === "to" && say());
  say();
}
