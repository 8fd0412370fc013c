// What a person may see of one game: a tree of objects, loaded once and kept up to date by events.
//
// A page subscribes first and loads then, so that nothing is missed between the two; what came by
// events meanwhile is applied to what was loaded, unless it is older.

const EVENTS = ["add_child", "update_child", "remove_child"];

const key = (resource, pk) => `${resource} ${pk}`;

// By which fields objects of a kind are found: the parents that they may have.
const PARENTS = {
  world: ["run"],
  runuser: ["run", "world"],
  scenario: ["world", "runuser"],
  period: ["scenario"],
  decision: ["period"],
  result: ["period"],
};

/** Objects by kind and key, and by their parents: a class has thousands, and is drawn often. */
class Objects {
  constructor() {
    this.byKey = new Map();
    this.groups = new Map();
  }

  get(kind, pk) {
    return this.byKey.get(key(kind, pk));
  }

  /** Takes an object in place of what was known of it. */
  put(kind, pk, fields) {
    this.remove(kind, pk);
    const object = { ...fields, kind };
    this.byKey.set(key(kind, pk), object);
    for (const group of this.groupsOf(object)) {
      if (!this.groups.has(group)) this.groups.set(group, new Set());
      this.groups.get(group).add(object);
    }
  }

  remove(kind, pk) {
    const known = this.get(kind, pk);
    if (!known) return;
    this.byKey.delete(key(kind, pk));
    for (const group of this.groupsOf(known)) this.groups.get(group).delete(known);
  }

  groupsOf(object) {
    const below = (PARENTS[object.kind] ?? []).map((field) => `${object.kind} ${field} ${object[field]}`);
    return [object.kind, ...below];
  }

  /** All objects of a kind with these fields, of which one is best a parent. */
  all(kind, fields) {
    const parent = PARENTS[kind]?.find((field) => field in fields);
    const group = this.groups.get(parent ? `${kind} ${parent} ${fields[parent]}` : kind);
    const wanted = Object.entries(fields);
    return [...group ?? []].filter((it) => wanted.every(([name, value]) => it[name] === value));
  }
}

export class Model {
  constructor({ connection, root, seats, onChange }) {
    Object.assign(this, { connection, root, seats, onChange });
    this.objects = new Objects();
    this.roles = [];
    this.phases = [];
    this.loaded = false;
    this.version = 0;
  }

  uri(resource, pk, name) {
    return `${this.root}.model.${resource}.${pk}.${name}`;
  }

  call(resource, pk, name, args, kwargs) {
    return this.connection.call(this.uri(resource, pk, name), args, kwargs);
  }

  /** Loads everything anew; what is shown stays until it is complete. */
  async load() {
    const version = ++this.version;
    const fresh = new Objects();
    const state = { objects: fresh, topics: new Set(), subscriptions: [], backlog: [] };
    this.loading = state;
    const game = (name) => this.connection.call(`${this.root}.model.game.${name}`);
    const [phases, roles, ...seats] = await Promise.all([
      game("get_phases"), game("get_roles"),
      ...this.seats.map((seat) => this.seat(state, seat)),
    ]);
    // Somebody has begun to load anew meanwhile.
    if (version !== this.version) return;
    const old = this.current;
    Object.assign(this, { objects: fresh, current: state, loading: null, phases, roles });
    this.seated = seats.filter((it) => it);
    const backlog = state.backlog;
    state.backlog = null;
    for (const event of backlog) this.apply(state, event, true);
    this.loaded = true;
    this.onChange();
    const followed = new Set(state.subscriptions);
    for (const id of old?.subscriptions ?? []) {
      if (!followed.has(id)) this.connection.unsubscribe(id).catch(() => {});
    }
  }

  /** Loads what belongs to one membership; nothing when its run is not there for players now. */
  async seat(state, { run, runuser }) {
    let own;
    try {
      own = await this.call("runuser", runuser, "get_scope");
    } catch (error) {
      if (error.uri === "offline") throw error;
      return null;
    }
    this.put(state, own);
    const { leader, world } = own.data;
    const topics = [["runuser", runuser]];
    if (leader) topics.push(["run", run]);
    else if (world !== null) topics.push(["world", world]);
    await this.follow(state, topics);
    if (leader) {
      const worlds = state.objects.all("world", { run });
      await this.follow(state, worlds.map((it) => ["world", it.id]), ["run", run]);
    }
    return { run, runuser, leader };
  }

  /** Subscribes to scopes, then loads them; `whole` is a scope that holds all of them. */
  async follow(state, topics, whole) {
    const news = topics.filter(([resource, pk]) => !state.topics.has(key(resource, pk)));
    if (news.length === 0) return;
    news.forEach(([resource, pk]) => state.topics.add(key(resource, pk)));
    const subscribed = news.flatMap(([resource, pk]) => EVENTS.map((name) =>
      this.connection.subscribe(this.uri(resource, pk, name), (event) => this.heard(event))));
    const sources = whole ? [whole] : news;
    const loaded = sources.flatMap(([resource, pk]) => [
      this.call(resource, pk, "get_scope_tree").then((tree) => this.take(state, tree)),
      this.call(resource, pk, "get_current_run_and_phase").then(({ run }) => this.put(state, run)),
      this.call(resource, pk, "get_active_runusers").then((members) =>
        members.forEach((member) => this.put(state, member))),
    ]);
    state.subscriptions.push(...await Promise.all(subscribed));
    await Promise.all(loaded);
  }

  take(state, scope) {
    this.put(state, scope);
    scope.children.forEach((child) => this.take(state, child));
  }

  put(state, { resource_name: kind, pk, data }) {
    state.objects.put(kind, pk, { ...state.objects.get(kind, pk), ...data });
  }

  /** An event is for what is shown, and for what is being loaded, as far as they follow its topic. */
  heard({ topic, args: [pk, kind, fields] }) {
    const [scope, of, name] = topic.slice(`${this.root}.model.`.length).split(".");
    const event = { name, pk, kind, fields };
    for (const state of [this.current, this.loading]) {
      if (!state?.topics.has(key(scope, of))) continue;
      if (state.backlog) state.backlog.push(event);
      else this.apply(state, event, false);
    }
  }

  apply(state, { name, pk, kind, fields }, careful) {
    const known = state.objects.get(kind, pk);
    if (name === "remove_child") state.objects.remove(kind, pk);
    // Partners hear of a newcomer only that somebody is online.
    else if (known || name === "add_child" || kind === "runuser") {
      if (careful && known && known.updated > fields.updated) return;
      state.objects.put(kind, pk, { ...known, ...fields });
    }
    this.attend(state, { name, pk, kind, fields }, known);
    this.onChange();
  }

  /** What an event means beyond itself: another seat, a run that sleeps or wakes, a new world. */
  attend(state, { name, pk, kind, fields }, known) {
    if (kind === "runuser" && this.seats.some((seat) => seat.runuser === pk)) {
      if (name === "remove_child" || known?.world !== fields.world || known?.role !== fields.role) {
        this.reload();
      }
    }
    if (kind === "run" && fields.active && known && !known.active) this.reload();
    if (kind === "world" && name === "add_child" && !state.topics.has(key(kind, pk))) {
      this.follow(state, [["world", pk]]).then(this.onChange, () => {});
    }
  }

  reload() {
    this.load().catch((error) => {
      if (error.uri !== "offline") console.error(error);
    });
  }

  get(kind, pk) {
    return this.objects.get(kind, pk);
  }

  /** All objects of a kind with these fields: periods by order, everything else by key. */
  all(kind, fields = {}) {
    return this.objects.all(kind, fields).sort((a, b) => (a.order ?? 0) - (b.order ?? 0) || a.id - b.id);
  }

  role(pk) {
    return this.roles.find((role) => role.id === pk);
  }

  /** The phases in their order. */
  steps() {
    return [...this.phases].sort((a, b) => a.order - b.order || a.id - b.id);
  }
}
