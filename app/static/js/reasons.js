// A refusal: its reason may begin with a frequent one, and its button says where the folder goes back to.
// A frequent reason is a start, not an answer: it opens the sentence that the person finishes.
// Chosen again it adds nothing, and another one takes its place before what was written after it.
function useReason(chip) {
  const area = chip.closest("form")?.querySelector("textarea");
  if (!area) return;
  const begins = (one) => `${one.textContent.trim()}.`;
  const chips = [...chip.parentElement.querySelectorAll("[aria-pressed]")];
  for (const one of chips) one.setAttribute("aria-pressed", String(one === chip));
  const kept = area.value.trim();
  const former = chips.map(begins).find((words) => kept === words || kept.startsWith(`${words} `)) ?? "";
  if (former !== begins(chip)) {
    area.value = `${begins(chip)} ${kept.slice(former.length).trimStart()}`;
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }
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
