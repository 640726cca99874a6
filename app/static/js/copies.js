// What is shown once is copied by a button, and the page says that it was; where the browser does not, it is selected whole.
import { NB } from "./words.js";

export function startCopies(button) {
  const field = document.getElementById(button.dataset.copies);
  const words = button.parentElement.querySelector("[role=status]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    words.textContent = "";
    field.select();
    // The older way asks for neither https nor a permission
    const copied = document.execCommand("copy") || (await navigator.clipboard?.writeText(field.value).then(() => true, () => false));
    button.focus();
    words.textContent = copied ? "Copié" : `Sélectionné${NB}: Ctrl+C le copie`;
  });
}
