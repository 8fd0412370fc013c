// What a player sees: the own place, the form of the own role, and what came out.

import { html } from "/assets/vendor/htm-preact.js";
import { Decide, situation } from "/assets/decide.js";
import { Decided, calledAmong, numberName, numberOf, outcomeOf, saying } from "/assets/decisions.js";
import { Chart, Notice, Online, Phases, label, personName } from "/assets/parts.js";

function History({ model, periods, members, view, t, lang }) {
  const roles = [...new Set(members.map((it) => it.role))]
    .map((pk) => model.role(pk) ?? { id: pk, name: label(view.decision?.label, lang) ?? t("value") });
  const result = label(view.result?.label, lang) ?? t("result");
  const points = periods.map((period) => [period.order, numberOf(outcomeOf(model, period, view), view)]);
  return html`
    <section aria-label=${t("history")}>
      <h3>${t("history")}</h3>
      <div class="scroll" tabindex="0" role="region" aria-label=${t("history")}>
        <table>
          <thead><tr>
            <th scope="col">${t("round", "")}</th>
            ${roles.map((role) => html`<th scope="col">${role.name}</th>`)}
            <th scope="col">${result}</th>
          </tr></thead>
          <tbody>${periods.map((period) => html`
            <tr key=${period.id}>
              <th scope="row">${period.order}</th>
              ${roles.map((role) => html`
                <td><${Decided} ...${{ model, period, members, view, t, lang }} role=${role.id} /></td>`)}
              <td>${saying(outcomeOf(model, period, view), view.result, t, lang) || t("none")}</td>
            </tr>`)}</tbody>
        </table>
      </div>
      <${Chart} points=${points} label=${numberName(view, t, lang)} />
    </section>`;
}

/** What came out of a round, in one sentence: for all, and for the member. */
function outcome(model, period, me, view, t, lang) {
  const all = `${label(view.result?.label, lang) ?? t("result")} ${saying(outcomeOf(model, period, view), view.result, t, lang)}`;
  const own = saying(outcomeOf(model, period, view, me), view.result?.own, t, lang);
  return `${t("round", period.order)}: ${all}${own ? `; ${label(view.result.own.label, lang) ?? t("you")}: ${own}` : ""}`;
}

export function Player({ model, view, seat, t, lang, offline }) {
  const at = situation(model, view, seat);
  if (!at) return html`<p class="card">${t("runAsleep")}</p>`;
  const { me, run, world, role, team, periods, period, members, missing, decides, own, deciding, playing } = at;
  const last = periods.findLast((it) => outcomeOf(model, it, view));
  return html`
    <article class="card">
      <h1>${run.name}</h1>
      <${Phases} ...${{ model, run, t }} />
      <${Notice} of=${run} />
      <${Notice} of=${world} />
      <p class="seat">${world ? t("youAre", role?.name, world.name) : period ? "" : t("noWorld")}</p>
      ${world && html`
        <h3>${t("people")}</h3>
        <ul class="team">${team.map((it) => html`
          <li key=${it.id}>
            <${Online} member=${it} t=${t} />
            ${personName(it)} (${it.role_name})${it.id === me.id ? `, ${t("you")}` : ""}
          </li>`)}</ul>`}
      ${period && html`<h2>${t("round", period.order)}</h2>`}
      ${period && decides && (playing
        ? html`<${Decide} ...${{ model, at, view, t, lang, offline }} />`
        : html`<p>${t("notInPhase", deciding.join(", "))}</p>`)}
      ${period?.data.closed && html`<p>${t("roundIsClosed")}</p>`}
      <p class="waiting" role="status">
        ${playing && own && missing.length > 0 ? t("waitingFor", missing.map((it) => calledAmong(members, it)).join(", ")) : ""}
      </p>
      <p class="outcome" role="status">
        ${last ? outcome(model, last, me, view, t, lang) : ""}
      </p>
      <${History} ...${{ model, periods, members, view, t, lang }} />
    </article>`;
}
