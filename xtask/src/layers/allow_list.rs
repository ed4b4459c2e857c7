//! The allow-list of the layers: the one place that says which package may use which.

/// One of our packages, its layer, and the packages of ours that it may use.
pub(super) struct Allowed {
    pub(super) package: &'static str,
    pub(super) layer: i8,
    /// Packages that every kind of dependency may name.
    pub(super) uses: &'static [&'static str],
    /// Packages that only a dev-dependency may name.
    pub(super) tests_use: &'static [&'static str],
}

/// The allow-list.
pub(super) const ALLOWED: &[Allowed] = &[
    // Knows `farside-wire` by name only: what it writes is compiled where it is used.
    Allowed {
        package: "farside-wire-derive",
        layer: -1,
        uses: &[],
        tests_use: &[],
    },
    Allowed {
        package: "farside-wire",
        layer: 0,
        uses: &["farside-wire-derive"],
        tests_use: &[],
    },
    Allowed {
        package: "farside-models-vim",
        layer: 1,
        uses: &["farside-wire"],
        tests_use: &[],
    },
    Allowed {
        package: "farside-models-vcenter",
        layer: 1,
        uses: &["farside-wire"],
        tests_use: &[],
    },
    Allowed {
        package: "farside-models-vcda",
        layer: 1,
        uses: &["farside-wire"],
        tests_use: &[],
    },
    Allowed {
        package: "farside-transport",
        layer: 1,
        uses: &["farside-wire"],
        tests_use: &[],
    },
    // The core has ids of its own, so that another product can use it.
    Allowed {
        package: "farside-engine",
        layer: 1,
        uses: &[],
        tests_use: &[],
    },
    Allowed {
        package: "farside-models-sms",
        layer: 2,
        uses: &["farside-wire", "farside-models-vim"],
        tests_use: &[],
    },
    Allowed {
        package: "farside-models-pbm",
        layer: 2,
        uses: &["farside-wire", "farside-models-vim"],
        tests_use: &[],
    },
    Allowed {
        package: "farside-transport-http",
        layer: 2,
        uses: &["farside-wire", "farside-transport"],
        tests_use: &[],
    },
    Allowed {
        package: "farside-journal",
        layer: 2,
        uses: &["farside-engine"],
        tests_use: &[],
    },
    // No models, no client, no engine: it would inherit their mistakes and agree with them.
    Allowed {
        package: "farside-simulator",
        layer: 3,
        uses: &["farside-wire", "farside-transport"],
        tests_use: &[],
    },
    Allowed {
        package: "farside-vim",
        layer: 4,
        uses: &[
            "farside-wire",
            "farside-models-vim",
            "farside-models-vcenter",
            "farside-transport",
        ],
        tests_use: &["farside-simulator"],
    },
    Allowed {
        package: "farside-vcda",
        layer: 4,
        uses: &["farside-wire", "farside-models-vcda", "farside-transport"],
        tests_use: &["farside-simulator"],
    },
    Allowed {
        package: "farside-host-network",
        layer: 5,
        uses: &[
            "farside-wire",
            "farside-models-vim",
            "farside-transport",
            "farside-vim",
        ],
        tests_use: &["farside-simulator"],
    },
    Allowed {
        package: "farside-vasa",
        layer: 5,
        uses: &[
            "farside-wire",
            "farside-models-vim",
            "farside-models-sms",
            "farside-models-pbm",
            "farside-transport",
            "farside-vim",
        ],
        tests_use: &["farside-simulator"],
    },
    Allowed {
        package: "farside-vcha",
        layer: 5,
        uses: &[
            "farside-wire",
            "farside-models-vcenter",
            "farside-models-vim",
            "farside-transport",
            "farside-vim",
        ],
        tests_use: &["farside-simulator"],
    },
    Allowed {
        package: "farside-failover",
        layer: 6,
        uses: &[
            "farside-engine",
            "farside-journal",
            "farside-wire",
            "farside-models-vim",
            "farside-models-sms",
            "farside-models-vcenter",
            "farside-models-vcda",
            "farside-transport",
            "farside-transport-http",
            "farside-vim",
            "farside-vcda",
            "farside-host-network",
            "farside-vasa",
            "farside-vcha",
        ],
        tests_use: &["farside-simulator"],
    },
    Allowed {
        package: "farside-cli",
        layer: 7,
        uses: &[
            "farside-failover",
            "farside-engine",
            "farside-journal",
            "farside-transport",
            "farside-simulator",
        ],
        tests_use: &[],
    },
    // The end-to-end tests: a library without code, so its dependencies are those of tests.
    Allowed {
        package: "farside-tests",
        layer: 8,
        uses: &[
            "farside-wire",
            "farside-models-vcenter",
            "farside-engine",
            "farside-failover",
            "farside-journal",
            "farside-simulator",
            "farside-transport",
            "farside-cli",
        ],
        tests_use: &[
            "farside-wire",
            "farside-vim",
            "farside-vcda",
            "farside-vasa",
            "farside-vcha",
        ],
    },
    // The chores look at the workspace from outside.
    Allowed {
        package: "xtask",
        layer: 8,
        uses: &[],
        tests_use: &["farside-wire"],
    },
];

/// Third-party crates that only some of our packages may name, dev-dependencies included.
pub(super) struct Reserved {
    pub(super) crates: &'static [&'static str],
    pub(super) by: &'static [&'static str],
    pub(super) because: &'static str,
}

/// The reservations.
pub(super) const RESERVED: &[Reserved] = &[
    Reserved {
        crates: HTTP_AND_TLS,
        by: &["farside-transport-http", "farside-simulator"],
        because: "clients reach a server through `Transport` only",
    },
    Reserved {
        crates: &["clap", "console", "indicatif"],
        by: &["farside-cli", "xtask"],
        because: "only the command and the chores read arguments and print",
    },
    Reserved {
        crates: &["tracing-subscriber"],
        by: &["farside-cli", "farside-tests"],
        because: "what becomes of events is for the program to say, not for a library",
    },
    Reserved {
        crates: &["anyhow"],
        by: &["farside-cli", "xtask", "farside-tests"],
        because: "a library has an error type of its own",
    },
    Reserved {
        crates: &["rusqlite"],
        by: &["farside-journal"],
        because: "runs are read and written through `Journal` only",
    },
];

/// Crates that speak HTTP or TLS, client or server side.
pub(super) const HTTP_AND_TLS: &[&str] = &[
    "http-body-util",
    "hyper",
    "hyper-util",
    "native-tls",
    "openssl",
    "rcgen",
    "reqwest",
    "rustls",
    "rustls-native-certs",
    "rustls-pemfile",
    "tokio-rustls",
    "ureq",
];

/// The whole third-party diet of the core: first what it ships with, then what its tests may add.
pub(super) const ENGINE_USES: (&[&str], &[&str]) = (&["serde", "serde_json", "thiserror"], &["proptest"]);
