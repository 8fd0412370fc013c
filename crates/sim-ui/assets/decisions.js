// What was decided and what came out, as a game's module says it.

import { html } from "/assets/vendor/htm-preact.js";
import { decisionOf, label, personName, resultOf, shown } from "/assets/parts.js";

/** A decision's or result's name where each member has one of their own: `decision-{runuser}`. */
function nameOf(what, member) {
  return what?.name?.replace("{runuser}", member.id);
}

/** Whether members with one role decide each for themselves. */
export function isEachOwn(view) {
  return view.decision?.name?.includes("{runuser}") ?? false;
}

/** What a member has decided in a round: the member's own decision, or else that of the role. */
export function decisionBy(model, period, member, view) {
  if (!view.decision?.name) return decisionOf(model, period, member.role);
  const name = nameOf(view.decision, member);
  return model.all("decision", { period: period.id, role: member.role }).find((it) => it.name === name);
}

/** The member among these whose decision it is, as far as that can be told. */
export function authorOf(decision, members, view) {
  const alike = members.filter((it) => it.role === decision.role);
  return isEachOwn(view) ? alike.find((it) => nameOf(view.decision, it) === decision.name) : alike[0];
}

/** What came out of a round for all; with a member, what came out for that one. */
export function outcomeOf(model, period, view, member) {
  if (member) {
    const name = nameOf(view.result?.own, member);
    return name && model.all("result", { period: period.id }).find((it) => it.name === name);
  }
  if (!view.result?.name) return resultOf(model, period);
  return model.all("result", { period: period.id }).find((it) => it.name === view.result.name);
}

/** How a member is called among others: by the role, and by name where several have it. */
export function calledAmong(members, member) {
  const shared = members.filter((it) => it.role === member.role).length > 1;
  return shared ? `${member.role_name} ${personName(member)}` : member.role_name;
}

/** The fields that a module names, with what an object has in them. */
function pairs(data, fields, lang) {
  return fields.map((field) => {
    const value = shown({ data }, field.name);
    const choice = field.choices?.find((it) => String(it.value) === value);
    return [field.name, label(field.label, lang) ?? field.name, choice ? label(choice.label, lang) : value];
  }).filter(([, , value]) => value !== "");
}

/**
 * A decision or a result as people read it: `what` is the module's part about it. Without `t` it
 * is said for programs, with the names that the game's data has.
 */
export function saying(object, what, t, lang) {
  if (!object) return "";
  const { data } = object;
  if (what?.text && t) return what.text(data, lang);
  if (what?.fields) {
    return pairs(data, what.fields, lang)
      .map(([name, label, value]) => (t ? t("fieldIs", label, value) : `${name} ${value}`)).join(", ");
  }
  const action = what?.actions?.find((it) =>
    it.arguments && Object.entries(it.arguments).every(([name, value]) => data[name] === value));
  return action && t ? label(action.label, lang) : shown(object, what?.field);
}

/** The number of a result that charts show, and how it is called. */
export function numberOf(result, view) {
  const text = shown(result, view.result?.field ?? view.result?.fields?.[0].name);
  return text === "" ? NaN : Number(text);
}

export function numberName(view, t, lang) {
  const field = view.result?.field ? view.result : view.result?.fields?.[0] ?? view.result;
  return label(field?.label, lang) ?? t("result");
}

/** What was decided in a round by those with a role, a line each where there may be several. */
export function Decided({ model, period, role, members, view, anonymous, t, lang }) {
  const decisions = model.all("decision", { period: period.id, role });
  const several = decisions.length > 1
    || (isEachOwn(view) && members.filter((it) => it.role === role).length > 1);
  if (decisions.length === 0) return t("none");
  return decisions.map((it) => {
    const author = several && !anonymous && (isEachOwn(view) ? authorOf(it, members, view) : null);
    const who = several && !anonymous ? `${author ? personName(author) : it.name}: ` : "";
    return html`<span class="line-of" key=${it.id}>${who}${saying(it, view.decision, t, lang) || t("none")}</span>`;
  });
}
