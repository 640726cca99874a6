// Counts the seconds for which what was just done may be taken back; then the button goes, and the focus that it had.
export function startUndo(form) {
  const shown = form.querySelector("[data-undo-left]");
  const end = Date.now() + 1000 * Number(form.dataset.undo);
  const tick = () => {
    const left = Math.ceil((end - Date.now()) / 1000);
    if (left > 0) return void (shown.textContent = left);
    clearInterval(timer);
    const held = form.contains(document.activeElement);
    form.remove();
    if (held) document.querySelector("h1")?.focus();
  };
  const timer = setInterval(tick, 1000);
}
