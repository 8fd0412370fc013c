// The runs that a person leads, those that sleep as well, and new ones.

import { html, useState } from "/assets/vendor/htm-preact.js";
import { ask } from "/assets/app.js";
import { Confirm, FormDialog } from "/assets/dialogs.js";

/** Opens a run with worlds in which nobody has a seat yet. */
function NewRun({ games, onDone, onClose, t }) {
  const send = async (fields) => {
    const count = Number(fields.get("worlds"));
    const worlds = Array.from({ length: count }, (_, index) => `World ${index + 1}`);
    const { status, answer } = await ask("POST", "/runs", {
      game: fields.get("game"), name: fields.get("name"), worlds,
    });
    if (status !== 201) return answer.error;
    await onDone(answer.run);
    return "ok";
  };
  return html`
    <${FormDialog} title=${t("newRun")} verb=${t("open")} ...${{ send, onClose, t }}>
      ${games.length > 1 ? html`
        <label>${t("game")}
          <select name="game">${games.map((game) => html`<option value=${game}>${game}</option>`)}</select>
        </label>` : html`<input name="game" type="hidden" value=${games[0]} />`}
      <label>${t("name")}<input name="name" autocomplete="off" maxlength="100" required /></label>
      <label>${t("worldCount")}<input name="worlds" type="number" min="0" max="500" value="2" required /></label>
    <//>`;
}

export function Runs({ led, refresh, offline, t }) {
  const [dialog, setDialog] = useState(null);
  const [said, setSaid] = useState("");
  const set = async (run, active) => {
    const { status, answer } = await ask("PUT", `/runs/${run.run}/active`, { active });
    setSaid(status === 204 ? "" : answer.error);
    await refresh();
  };
  const close = () => setDialog(null);
  const button = (run) => run.active
    ? html`<button class="small" disabled=${offline} onClick=${() => setDialog({ ending: run })}>
        ${t("deactivate")}<span class="hidden">: ${run.name}</span></button>`
    : html`<button class="small" disabled=${offline} onClick=${() => set(run, true)}>
        ${t("activate")}<span class="hidden">: ${run.name}</span></button>`;
  return html`
    <details class="card wide">
      <summary>${t("myRuns", led.runs.length)}</summary>
      <ul class="runs">${led.runs.map((run) => html`
        <li key=${run.run}>${run.name} (${run.active ? t("active") : t("inactive")}) ${button(run)}</li>`)}</ul>
      <button disabled=${offline} onClick=${() => setDialog({ opening: true })}>${t("newRun")}</button>
      <p class="message bad" role="alert">${said}</p>
      ${dialog?.opening && html`<${NewRun} games=${led.games} t=${t} onClose=${close} onDone=${refresh} />`}
      ${dialog?.ending && html`
        <${Confirm} question=${t("confirmDeactivate", dialog.ending.name)} detail=${t("deactivateHow")} t=${t}
          onYes=${() => set(dialog.ending, false)} onClose=${close} />`}
    </details>`;
}
