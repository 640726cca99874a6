// How a table of a type is met at the deposit, as its columns are written: the same as the server draws once they are kept.
import { element } from "./words.js";

export function startColumns(box) {
  const row = box.dataset.columns;
  const { form } = document.getElementsByName(`${row}-column`)[0];
  const of = (column, part) => form.elements.namedItem(`${row}-${column}-${part}`);
  const draw = () => {
    const [heads, cells] = [[], []];
    for (const { value: column } of document.getElementsByName(`${row}-column`)) {
      const label = of(column, "label").value.trim();
      if (of(column, "remove")?.checked || (!label && !of(column, "key").value)) continue;
      const kind = of(column, "kind").selectedOptions[0]?.textContent ?? "";
      heads.push(element("th", { scope: "col" }, label || "Sans nom"));
      cells.push(element("td", { class: "quiet" }, of(column, "required").value ? `${kind}, obligatoire` : kind));
    }
    box.querySelector("thead tr").replaceChildren(...heads);
    box.querySelector("tbody tr").replaceChildren(...cells);
  };
  form.addEventListener("input", ({ target }) => target.name?.startsWith(`${row}-c`) && draw());
  draw();
}
