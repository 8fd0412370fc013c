//! The original's tables: the fields of each, what must be unique, what lists can be filtered by.

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Game,
    Phase,
    Role,
    Run,
    RunUser,
    World,
    Scenario,
    Period,
    Decision,
    Result,
    User,
}

/// One field that clients write.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) holds: Type,
    pub(super) is_required: bool,
    pub(super) may_be_null: bool,
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Type {
    /// A text of so many characters at most.
    Text(usize),
    /// Letters, digits, `-` and `_`.
    Slug(usize),
    /// An address of e-mail.
    Email,
    /// True or false, and which of them where nothing is said.
    Bool(bool),
    /// Anything.
    Json,
    /// The id of another row.
    Key(Kind),
    /// An integer in this range.
    Int(i64, i64),
    /// A list of lists of integers.
    Ids,
}

/// How a query parameter chooses rows.
#[derive(Debug, Clone, Copy)]
pub(super) enum Filter {
    /// The field of this name has this text.
    Text,
    /// The field of this name is true or false.
    Bool,
    /// The field of this name, or the one at the end of a path such as `world__run`, holds this id.
    Key(Kind),
    /// The field of this name is this number.
    Number,
    /// The row belongs to the game of this slug.
    GameSlug,
    /// The row belongs to a run that is active.
    RunActive,
    /// The row belongs to this run.
    Run,
}

const fn required(name: &'static str, holds: Type) -> Field {
    Field { name, holds, is_required: true, may_be_null: false }
}

const fn optional(name: &'static str, holds: Type) -> Field {
    Field { name, holds, is_required: false, may_be_null: false }
}

const fn nullable(name: &'static str, holds: Type) -> Field {
    Field { name, holds, is_required: false, may_be_null: true }
}

const NAME: Field = required("name", Type::Text(100));
const DATA: Field = optional("data", Type::Json);
const GAME: Field = required("game", Type::Key(Kind::Game));
const RUN: Field = required("run", Type::Key(Kind::Run));
const WORLD: Field = nullable("world", Type::Key(Kind::World));
const ROLE: Field = nullable("role", Type::Key(Kind::Role));
const ACTIVE: Field = optional("active", Type::Bool(true));
const ROLE_GAME: Field =
    Field { name: "game", holds: Type::Key(Kind::Game), is_required: true, may_be_null: true };

impl Kind {
    pub(super) const ALL: [Self; 11] = [
        Self::Game,
        Self::Phase,
        Self::Role,
        Self::Run,
        Self::RunUser,
        Self::World,
        Self::Scenario,
        Self::Period,
        Self::Decision,
        Self::Result,
        Self::User,
    ];

    pub(super) fn of_collection(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name().len() + 1 == name.len() && name.starts_with(kind.name()))
    }

    /// The name in events and fields; with an `s` it is the collection's.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Game => "game",
            Self::Phase => "phase",
            Self::Role => "role",
            Self::Run => "run",
            Self::RunUser => "runuser",
            Self::World => "world",
            Self::Scenario => "scenario",
            Self::Period => "period",
            Self::Decision => "decision",
            Self::Result => "result",
            Self::User => "user",
        }
    }

    pub(super) fn fields(self) -> &'static [Field] {
        match self {
            Self::Game => const { &[NAME, optional("slug", Type::Slug(250)), ACTIVE, DATA] },
            Self::Phase => {
                const {
                    &[
                        NAME,
                        optional("slug", Type::Slug(50)),
                        nullable("order", Type::Int(0, 32_767)),
                        GAME,
                    ]
                }
            }
            Self::Role => const { &[NAME, optional("slug", Type::Slug(50)), DATA, ROLE_GAME] },
            Self::Run => {
                const { &[NAME, ACTIVE, DATA, GAME, nullable("phase", Type::Key(Self::Phase))] }
            }
            Self::World => const { &[NAME, DATA, nullable("external_ids", Type::Ids), RUN] },
            Self::RunUser => {
                const {
                    &[
                        ROLE,
                        optional("leader", Type::Bool(false)),
                        ACTIVE,
                        DATA,
                        required("user", Type::Key(Self::User)),
                        RUN,
                        WORLD,
                    ]
                }
            }
            Self::Scenario => {
                const { &[NAME, DATA, nullable("runuser", Type::Key(Self::RunUser)), WORLD] }
            }
            Self::Period => {
                const {
                    &[
                        optional("order", Type::Int(-2_147_483_648, 2_147_483_647)),
                        DATA,
                        required("scenario", Type::Key(Self::Scenario)),
                    ]
                }
            }
            Self::Decision | Self::Result => {
                const { &[ROLE, NAME, DATA, required("period", Type::Key(Self::Period))] }
            }
            Self::User => {
                const {
                    &[
                        optional("first_name", Type::Text(30)),
                        optional("last_name", Type::Text(150)),
                        nullable("external_id", Type::Text(50)),
                        required("email", Type::Email),
                        optional("is_active", Type::Bool(true)),
                        optional("is_staff", Type::Bool(false)),
                        optional("is_superuser", Type::Bool(false)),
                        optional("subscriber_code", Type::Text(255)),
                        nullable("data", Type::Json),
                    ]
                }
            }
        }
    }

    /// The fields whose values no two rows share; a null among them is never the same as another.
    pub(super) fn unique_together(self) -> &'static [&'static str] {
        match self {
            Self::Phase | Self::Role => &["name", "game"],
            Self::World => &["name", "run"],
            Self::RunUser => &["user", "run"],
            Self::Period => &["scenario", "order"],
            Self::Decision | Self::Result => &["name", "period", "role"],
            Self::Game | Self::Run | Self::Scenario | Self::User => &[],
        }
    }

    /// The fields each of which no two rows share.
    pub(super) fn unique(self) -> &'static [&'static str] {
        match self {
            Self::Game => &["name", "slug"],
            Self::User => &["email"],
            _ => &[],
        }
    }

    /// Which rows go with a row, and whether the field that points to it may be null, in the order
    /// in which the original finds them.
    pub(super) fn dependents(self) -> &'static [(Self, bool)] {
        match self {
            Self::Game => &[(Self::Phase, false), (Self::Role, true), (Self::Run, false)],
            Self::Phase => &[(Self::Run, true)],
            Self::Role => &[(Self::Decision, true), (Self::Result, true), (Self::RunUser, true)],
            Self::Run => &[(Self::RunUser, false), (Self::World, false)],
            Self::World => &[(Self::RunUser, true), (Self::Scenario, true)],
            Self::RunUser => &[(Self::Scenario, true)],
            Self::Scenario => &[(Self::Period, false)],
            Self::Period => &[(Self::Decision, false), (Self::Result, false)],
            Self::User => &[(Self::RunUser, false)],
            Self::Decision | Self::Result => &[],
        }
    }

    pub(super) fn filters(self) -> &'static [(&'static str, Filter)] {
        use Filter::{Bool, GameSlug, Key, Number, RunActive, Text};
        const SLUG: (&str, Filter) = ("game_slug", GameSlug);
        const RUN_ACTIVE: (&str, Filter) = ("run_active", RunActive);
        const NAME: (&str, Filter) = ("name", Text);
        const GAME: (&str, Filter) = ("game", Key(Kind::Game));
        const ROLE: (&str, Filter) = ("role", Key(Kind::Role));
        const RUN_KEY: (&str, Filter) = ("run", Key(Kind::Run));
        const RUN: (&str, Filter) = ("run", Filter::Run);
        match self {
            Self::Game => &[("active", Bool), NAME, ("slug", Text)],
            Self::Phase | Self::Role => &[GAME, NAME, SLUG, ("slug", Text)],
            Self::Run => &[GAME, NAME, SLUG, ("active", Bool)],
            Self::World => &[RUN_KEY, NAME, SLUG, RUN_ACTIVE],
            Self::RunUser => &[
                ("active", Bool),
                ("leader", Bool),
                ROLE,
                RUN_KEY,
                ("user", Key(Self::User)),
                ("world", Key(Self::World)),
                SLUG,
                RUN_ACTIVE,
            ],
            Self::Scenario => &[
                ("runuser", Key(Self::RunUser)),
                ("world", Key(Self::World)),
                NAME,
                SLUG,
                RUN_ACTIVE,
                RUN,
                ("world__run", Key(Self::Run)),
                ("runuser__run", Key(Self::Run)),
            ],
            Self::Period => &[
                ("scenario", Key(Self::Scenario)),
                ("order", Number),
                SLUG,
                RUN_ACTIVE,
                RUN,
                ("scenario__world__run", Key(Self::Run)),
                ("scenario__runuser__run", Key(Self::Run)),
            ],
            Self::Decision | Self::Result => &[
                NAME,
                ("period", Key(Self::Period)),
                ROLE,
                SLUG,
                RUN_ACTIVE,
                RUN,
                ("period__scenario__world__run", Key(Self::Run)),
                ("period__scenario__runuser__run", Key(Self::Run)),
            ],
            Self::User => &[
                ("external_id", Text),
                ("is_active", Bool),
                ("is_staff", Bool),
                ("is_superuser", Bool),
                ("email", Text),
                ("id", Number),
                ("subscriber_code", Text),
            ],
        }
    }

    /// Whether the JSON tells if the run is active.
    pub(super) fn shows_run_active(self) -> bool {
        !matches!(self, Self::Game | Self::Phase | Self::Role | Self::Run | Self::User)
    }
}
