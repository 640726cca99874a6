// Beside its document a draft begins where something is to be typed, or taken from what was read; else at its title.
export function startBeside(page) {
  const form = page.querySelector("#draft");
  const title = document.querySelector("main h1");
  const free = [document.body, title].includes(document.activeElement);
  if (!free || innerWidth < 1100 || document.querySelector("main .note-danger[role=alert]")) return;
  const lacking = [...form.querySelectorAll("[data-proposed] button, [aria-required=true]")].find((one) => one.matches("button") || !one.value);
  (lacking ?? title).focus();
}
