// What a class talks about afterwards: all worlds side by side, and the data to take along.

import { html, useState } from "/assets/vendor/htm-preact.js";
import { Decided, authorOf, numberName, numberOf, outcomeOf, saying } from "/assets/decisions.js";
import { deciders, label, personName, rounds } from "/assets/parts.js";

/** A letter for each world, in their order: A, B, … Z, AA, … */
function letters(index) {
  const rest = Math.floor(index / 26);
  return (rest > 0 ? letters(rest - 1) : "") + String.fromCharCode(65 + (index % 26));
}

/** All rounds of all worlds, as rows. */
function rows(model, run, view) {
  return model.all("world", { run: run.id }).flatMap((world, index) =>
    rounds(model, model.all("scenario", { world: world.id })[0]).map((period) => ({
      world, index, period, result: outcomeOf(model, period, view),
    })));
}

/** A cell as spreadsheets read it: no text becomes a formula. */
function cell(value) {
  const text = String(value ?? "");
  const safe = /^[=+\-@\t\r]/.test(text) && !Number.isFinite(Number(text)) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** One line per decision and result. */
export function csv(model, run, view) {
  const lines = [["world", "round", "kind", "role", "player", "value", "saved"]];
  for (const { world, period, result } of rows(model, run, view)) {
    const members = deciders(model, world.id);
    for (const decision of model.all("decision", { period: period.id })) {
      const player = authorOf(decision, members, view);
      lines.push([world.name, period.order, "decision", model.role(decision.role)?.name,
        player && personName(player), saying(decision, view.decision), decision.updated]);
    }
    if (result) lines.push([world.name, period.order, "result", "", "", saying(result, view.result), result.updated]);
  }
  return `${lines.map((line) => line.map(cell).join(",")).join("\r\n")}\r\n`;
}

/** All objects of the run that the page has, as the service stores them. */
export function json(model, run) {
  const { kind: _, ...own } = run;
  // The page may have other runs, too: what belongs to this one hangs from it.
  const below = (kind, parent, above) => above.flatMap((it) => model.all(kind, { [parent]: it.id }));
  const [world, runuser] = [below("world", "run", [run]), below("runuser", "run", [run])];
  const scenario = [...below("scenario", "world", world), ...below("scenario", "runuser", runuser)];
  const period = below("period", "scenario", scenario);
  const [decision, result] = ["decision", "result"].map((kind) => below(kind, "period", period));
  const stored = Object.entries({ world, runuser, scenario, period, decision, result })
    .map(([kind, objects]) => [kind, objects.map(({ kind: _, ...fields }) => fields)]);
  return `${JSON.stringify({ run: own, ...Object.fromEntries(stored) }, null, 2)}\n`;
}

function save(name, type, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  // The browser has begun to save by the time the next task runs.
  setTimeout(() => URL.revokeObjectURL(link.href));
}

/** The results of all worlds over the rounds, a line each. */
function Comparison({ lines, title }) {
  const numbers = lines.map((line) => ({
    ...line, points: line.points.filter(([, value]) => Number.isFinite(value)),
  })).filter((line) => line.points.length > 0);
  const all = numbers.flatMap((line) => line.points);
  if (all.length < 2) return null;
  const [width, height, left, right, top, bottom] = [720, 320, 60, 90, 16, 32];
  const span = (values) => [Math.min(...values), Math.max(...values)];
  const [[first, last], [low, high]] = [span(all.map(([x]) => x)), span(all.map(([, y]) => y))];
  const scale = (value, from, to, start, end) =>
    to === from ? (start + end) / 2 : start + ((value - from) / (to - from)) * (end - start);
  const x = (order) => scale(order, first, last, left, width - right);
  const y = (value) => scale(value, low, high, height - bottom, top);
  const short = (value) => Number(value.toPrecision(4)).toString();
  return html`
    <svg class="comparison" viewBox="0 0 ${width} ${height}" role="img" aria-label=${title}>
      <path class="axis" d="M${left} ${top} V${height - bottom} H${width - right}" />
      <text x=${left - 8} y=${y(low)} class="end">${short(low)}</text>
      ${high !== low && html`<text x=${left - 8} y=${y(high) + 8} class="end">${short(high)}</text>`}
      ${[...new Set(all.map(([order]) => order))].map((order) => html`
        <text x=${x(order)} y=${height - 8} class="middle">${order}</text>`)}
      ${numbers.map(({ name, points }, index) => {
        const [order, value] = points.at(-1);
        return html`
          <g class="line line-${index % 6}">
            <polyline points=${points.map(([at, it]) => `${x(at)},${y(it)}`).join(" ")} />
            ${points.map(([at, it]) => html`<circle cx=${x(at)} cy=${y(it)} r="4" />`)}
            <text x=${x(order) + 8} y=${y(value) + 4}>${name}</text>
          </g>`;
      })}
    </svg>`;
}

export function Debrief({ model, run, view, t, lang }) {
  const [hidden, setHidden] = useState(false);
  const all = rows(model, run, view);
  const name = ({ world, index }) => (hidden ? t("team", letters(index)) : world.name);
  const result = label(view.result?.label, lang) ?? t("result");
  const worlds = [...new Map(all.map((row) => [row.world.id, row])).values()];
  const deciding = new Set(worlds.flatMap(({ world }) => deciders(model, world.id).map((it) => it.role)));
  const roles = model.roles.filter((role) => deciding.has(role.id));
  const lines = worlds.map((row) => ({
    name: name(row),
    points: all.filter((it) => it.world === row.world)
      .map((it) => [it.period.order, numberOf(it.result, view)]),
  }));
  const played = all.filter((row) => row.result || model.all("decision", { period: row.period.id }).length > 0);
  return html`
    <section aria-label=${t("debrief")}>
      <div class="acts">
        <label class="inline check">
          <input type="checkbox" checked=${hidden} onChange=${(event) => setHidden(event.target.checked)} />
          ${t("hideNames")}
        </label>
        <button class="quiet" onClick=${() => save(`${run.name}.csv`, "text/csv", csv(model, run, view))}>
          ${t("saveAs", "CSV")}</button>
        <button class="quiet" onClick=${() => save(`${run.name}.json`, "application/json", json(model, run))}>
          ${t("saveAs", "JSON")}</button>
      </div>
      <${Comparison} lines=${lines} title=${t("compared", numberName(view, t, lang))} />
      <div class="scroll" tabindex="0" role="region" aria-label=${t("history")}>
        <table class="large">
          <thead><tr>
            <th scope="col">${t("world")}</th>
            <th scope="col">${t("round", "")}</th>
            ${roles.map((role) => html`<th scope="col">${role.name}</th>`)}
            <th scope="col">${result}</th>
          </tr></thead>
          <tbody>${played.map((row) => html`
            <tr key=${row.period.id}>
              <th scope="row">${name(row)}</th>
              <td>${row.period.order}</td>
              ${roles.map((role) => html`
                <td><${Decided} ...${{ model, view, t, lang }} period=${row.period} role=${role.id}
                  members=${deciders(model, row.world.id)} anonymous=${hidden} /></td>`)}
              <td>${saying(row.result, view.result, t, lang) || t("none")}</td>
            </tr>`)}</tbody>
        </table>
      </div>
    </section>`;
}
