//! Tests of the rules over source files.

use super::*;

fn file(path: &str, text: impl Into<String>) -> TextFile {
    TextFile { path: path.to_owned(), text: text.into() }
}

fn texts(path: &str, text: impl Into<String>) -> Vec<String> {
    check(&file(path, text)).iter().map(ToString::to_string).collect()
}

fn lines(count: usize) -> String {
    format!("//! What it is.\n{}", "fn f() {}\n".repeat(count - 1))
}

#[test]
fn a_short_documented_file_passes() {
    assert_eq!(texts("crates/x/src/a.rs", lines(500)), Vec::<String>::new());
}

#[test]
fn a_module_file_named_mod_is_found() {
    assert_eq!(
        texts("crates/x/src/a/mod.rs", lines(2)),
        ["error: crates/x/src/a/mod.rs: name module files `foo.rs` beside `foo/`, not `mod.rs`"]
    );
}

#[test]
fn a_file_without_a_first_sentence_is_found() {
    assert_eq!(texts("crates/x/src/a.rs", "fn f() {}\n").len(), 1);
    assert_eq!(texts("crates/x/src/a.rs", "").len(), 1);
    let readme = "#![doc = include_str!(\"../README.md\")]\n";
    assert_eq!(texts("crates/x/src/lib.rs", readme), Vec::<String>::new());
}

#[test]
fn a_long_file_is_a_warning_and_a_longer_one_an_error() {
    let warning = check(&file("crates/x/src/a.rs", lines(501)));
    assert!(warning.len() == 1 && warning[0].warning);
    let error = check(&file("crates/x/src/a.rs", lines(801)));
    assert!(error.len() == 1 && !error[0].warning);
}

#[test]
fn tests_do_not_count() {
    let text = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", lines(490), "// x\n".repeat(400));
    assert_eq!(texts("crates/x/src/a.rs", text), Vec::<String>::new());
    assert_eq!(texts("crates/x/src/a/tests.rs", lines(900)), Vec::<String>::new());
    assert_eq!(texts("crates/x/tests/all.rs", lines(900)), Vec::<String>::new());
    assert_eq!(texts("tests/it/round.rs", lines(900)), Vec::<String>::new());
}

#[test]
fn the_library_of_the_black_box_suite_counts() {
    assert_eq!(texts("tests/src/kit.rs", lines(900)).len(), 1);
}

#[test]
fn a_fat_entry_point_is_found() {
    assert_eq!(
        texts("crates/x/src/main.rs", lines(101)),
        ["error: crates/x/src/main.rs: 101 lines, 100 at most"]
    );
    assert_eq!(texts("crates/x/src/main.rs", lines(100)), Vec::<String>::new());
}

#[test]
fn every_banned_word_is_found_with_its_line() {
    for (needle, _) in FORBIDDEN {
        let found = texts("crates/x/src/a.rs", format!("//! What it is.\n    {needle}\n"));
        assert_eq!(found.len(), 1, "{needle}");
        assert!(found[0].starts_with("error: crates/x/src/a.rs:2: "), "{}", found[0]);
    }
}

#[test]
fn a_banned_word_in_a_comment_is_only_talk() {
    let text = format!("//! What it is.\n// no {} here\n", FORBIDDEN[2].0);
    assert_eq!(texts("crates/x/src/a.rs", text), Vec::<String>::new());
}

#[test]
fn a_long_readme_is_found() {
    assert_eq!(readme(&file("README.md", "x\n".repeat(150))), []);
    assert_eq!(readme(&file("README.md", "x\n".repeat(151))).len(), 1);
}
