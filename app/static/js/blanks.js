// The blank rows of a form, one after the other: a button shows the next, and goes with the last.
import { element, icon } from "./words.js";

export function startBlanks(box) {
  const rows = [...box.querySelectorAll("fieldset")];
  const button = element("button", { type: "button", class: "btn btn-line align-self-start" });
  button.append(icon("plus-lg"), element("span", {}, box.dataset.blanks));
  for (const row of rows) row.hidden = true;
  button.addEventListener("click", () => {
    const row = rows.shift();
    row.hidden = false;
    button.hidden = rows.length === 0;
    row.querySelector("input, select, textarea").focus();
  });
  box.replaceWith(...rows, button);
}
