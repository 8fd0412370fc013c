// One run as it is and as it changes: its tree, and a log of what is committed.

import { html, useEffect, useReducer, useRef, useState } from "/assets/vendor/htm-preact.js";
import { perFrame } from "/assets/parts.js";
import { Table, moment } from "/assets/listing.js";

// How many changes the log keeps.
const KEPT = 200;

const keyOf = (resource, pk) => `${resource} ${pk}`;

/** Below what an object lies. */
function parentOf(resource, data) {
  switch (resource) {
    case "world":
    case "runuser":
      return keyOf("run", data.run);
    case "scenario":
      return data.world === null ? keyOf("runuser", data.runuser) : keyOf("world", data.world);
    case "period":
      return keyOf("scenario", data.scenario);
    default:
      return keyOf("period", data.period);
  }
}

/** All objects of a run, kept up to date by changes, some of which may be in it already. */
export class Tree {
  constructor({ seq, tree }) {
    this.seq = seq;
    this.nodes = new Map();
    this.root = tree;
    this.note(tree);
  }

  note(node) {
    this.nodes.set(keyOf(node.resource_name, node.pk), node);
    node.children.forEach((child) => this.note(child));
  }

  forget(node) {
    this.nodes.delete(keyOf(node.resource_name, node.pk));
    node.children.forEach((child) => this.forget(child));
  }

  apply({ seq, action, resource_name, pk, data }) {
    if (seq <= this.seq) return;
    this.seq = seq;
    const known = this.nodes.get(keyOf(resource_name, pk));
    const parent = this.nodes.get(parentOf(resource_name, data));
    if (action === "deleted") {
      if (!known) return;
      this.forget(known);
      if (parent) parent.children = parent.children.filter((child) => child !== known);
    } else if (known) {
      known.data = data;
    } else if (parent) {
      const node = { resource_name, pk, data, children: [] };
      this.nodes.set(keyOf(resource_name, pk), node);
      parent.children.push(node);
    }
  }
}

/** Follows a run; gives its tree and its last changes, the newest first. */
function useRun(run) {
  const [, redraw] = useReducer((count) => count + 1, 0);
  const [problem, setProblem] = useState(null);
  const seen = useRef({ tree: null, early: [], log: [] });
  useEffect(() => {
    const it = seen.current;
    let ended = false;
    const draw = perFrame(redraw);
    const log = (entry) => {
      it.log = [entry, ...it.log].slice(0, KEPT);
      draw();
    };
    const source = new EventSource(`/monitor/runs/${run}/events`);
    // On every connection first the changes, then the tree: what comes meanwhile is applied to it.
    source.onopen = async () => {
      it.tree = null;
      it.early = [];
      try {
        const response = await fetch(`/monitor/runs/${run}`);
        if (!response.ok) return setProblem("monRunGone");
        const tree = new Tree(await response.json());
        if (ended) return;
        it.early.forEach((change) => tree.apply(change));
        Object.assign(it, { tree, shown: tree, early: [] });
        setProblem(null);
        draw();
      } catch {
        // The source comes back by itself, and with it the tree.
        setProblem("offline");
      }
    };
    source.addEventListener("change", ({ data }) => {
      const change = JSON.parse(data);
      if (it.tree) it.tree.apply(change);
      else it.early.push(change);
      log(change);
    });
    source.addEventListener("missed", ({ data }) => log({ missed: Number(data), at: new Date().toISOString() }));
    source.onerror = () => setProblem(source.readyState === EventSource.CLOSED ? "monRunGone" : "offline");
    return () => {
      ended = true;
      source.close();
    };
  }, [run]);
  return { tree: seen.current.shown, log: seen.current.log, problem };
}

/** What tells one object from others of its kind. */
function title({ resource_name, pk, data }) {
  const name = data.name ?? data.email ?? (data.order === undefined ? "" : `#${data.order}`);
  const role = data.role_name ? ` (${data.role_name})` : "";
  return `${resource_name} ${pk} ${name}${role}`;
}

function Node({ node, begun }) {
  const [open, setOpen] = useState(begun);
  const { id: _, created, updated, ...fields } = node.data;
  return html`
    <details open=${open} onToggle=${(event) => setOpen(event.target.open)}>
      <summary>${title(node)}${node.children.length > 0 && html` <span class="count">${node.children.length}</span>`}</summary>
      ${open && html`
        <p class="fields">${JSON.stringify(fields)}</p>
        ${node.children.map((child) => html`
          <${Node} key=${keyOf(child.resource_name, child.pk)} node=${child} begun=${false} />`)}`}
    </details>`;
}

function row(change, index, t) {
  if (change.missed) {
    return [`missed ${change.at}`, moment(change.at), "", t("monMissed", change.missed), "", ""];
  }
  const { seq, at, action, resource_name, pk, actor, cause, data } = change;
  const object = `${t(`mon_${action}`)}: ${title({ resource_name, pk, data })}`;
  return [`${seq} ${index}`, moment(at), seq, object, actor ?? t("monService"), cause ?? ""];
}

export function Onlooker({ run, t }) {
  const { tree, log, problem } = useRun(run);
  // Keys stay with their rows while newer ones come in above.
  const rows = log.map((change, index) => row(change, log.length - index, t));
  return html`
    <h2>${t("monRun", run)}</h2>
    <p class="message bad" role="status">${problem ? t(problem) : ""}</p>
    <h3>${t("monTree")}</h3>
    <div class="scroll bounded tree" tabindex="0" role="region" aria-label=${t("monTree")}>
      ${tree ? html`<${Node} node=${tree.root} begun=${true} />` : html`<p>${t("loading")}</p>`}
    </div>
    <h3>${t("monChanges")}</h3>
    <${Table} label=${t("monChanges")} rows=${rows} t=${t}
      columns=${[t("monWhen"), t("monSeq"), t("monWhat"), t("monWho"), t("monCause")]} />`;
}
