//! Every input a player can send, with its exact answer and what is stored afterwards.

use anyhow::{Context, Result};
use black_box::{Answer, DEADLINE, Div, Environment, Member, Round, Target};
use serde_json::{Value, json};

const NOT_A_NUMBER: &str = "Please enter a number.";
const NOT_FINITE: &str = "Please enter a finite number.";
const ZERO: &str = "Cannot divide by zero";
const NOT_AUTHORIZED: Option<&str> = Some("wamp.error.not_authorized");

/// A pair with a leader who watches, in a world where nothing has been played.
struct Table {
    div: Div,
    environment: Environment,
    dividend: Member,
    divisor: Member,
    leader: Member,
    period: u64,
}

impl Table {
    async fn start(target: Target) -> Result<Self> {
        let div = Div::start_on(target, &[]).await?;
        let environment = div.environment("default").await?;
        let mut dividend = div.member(&environment, "s1@div.edu").await?;
        let mut divisor = div.member(&environment, "s2@div.edu").await?;
        let mut leader = div.member(&environment, "leader@div.edu").await?;
        dividend.follow_own().await?;
        divisor.follow_own().await?;
        leader.follow(&format!("world.{}", environment.worlds[0].world)).await?;
        let period = environment.worlds[0].period;
        Ok(Self { div, environment, dividend, divisor, leader, period })
    }

    fn player(&mut self, role: &str) -> &mut Member {
        if role == "Dividend" { &mut self.dividend } else { &mut self.divisor }
    }

    /// Submits arguments as they are written here.
    async fn submit(&mut self, role: &str, args: &str) -> Result<Answer> {
        let uri = self.div.uri(&format!("period.{}.submit_decision", self.period));
        self.player(role).wamp.call_with_text(&uri, args).await
    }

    async fn stored(&self) -> Result<Round> {
        self.div.round(self.period).await
    }

    async fn nobody_was_disturbed(&mut self, case: &str) -> Result<()> {
        for member in [&mut self.dividend, &mut self.divisor, &mut self.leader] {
            assert_eq!(member.events_so_far().await?, Vec::<String>::new(), "{case}");
        }
        Ok(())
    }
}

/// Role, arguments, text.
const REFUSED: &[(&str, &str, &str)] = &[
    ("Dividend", r#"["abc"]"#, NOT_A_NUMBER),
    ("Divisor", r#"["abc"]"#, NOT_A_NUMBER),
    ("Dividend", r#"[""]"#, NOT_A_NUMBER),
    ("Dividend", r#"["  "]"#, NOT_A_NUMBER),
    ("Dividend", "[]", NOT_A_NUMBER),
    ("Dividend", "[null]", NOT_A_NUMBER),
    ("Divisor", "[null]", NOT_A_NUMBER),
    ("Dividend", "[[1]]", NOT_A_NUMBER),
    ("Dividend", r#"[{"operand":1}]"#, NOT_A_NUMBER),
    ("Dividend", "[true]", NOT_A_NUMBER),
    ("Divisor", "[false]", NOT_A_NUMBER),
    ("Dividend", r#"["1_000"]"#, NOT_A_NUMBER),
    ("Dividend", r#"["１"]"#, NOT_A_NUMBER),
    ("Dividend", r#"["0x10"]"#, NOT_A_NUMBER),
    ("Dividend", r#"["1,5"]"#, NOT_A_NUMBER),
    ("Dividend", r#"["nan"]"#, NOT_FINITE),
    ("Divisor", r#"["nan"]"#, NOT_FINITE),
    ("Dividend", r#"["inf"]"#, NOT_FINITE),
    ("Divisor", r#"["Infinity"]"#, NOT_FINITE),
    ("Dividend", r#"["1e999"]"#, NOT_FINITE),
    ("Dividend", "[1e999]", NOT_FINITE),
    ("Divisor", "[-1e999]", NOT_FINITE),
    ("Divisor", "[0]", ZERO),
    ("Divisor", "[0.0]", ZERO),
    ("Divisor", "[-0.0]", ZERO),
    ("Divisor", r#"["0"]"#, ZERO),
    ("Divisor", r#"["0.0"]"#, ZERO),
    ("Divisor", r#"["-0"]"#, ZERO),
    ("Divisor", r#"[" 0e5 "]"#, ZERO),
];

async fn what_cannot_be_played_is_answered_by_a_text_and_stores_nothing(
    target: Target,
) -> Result<()> {
    let mut table = Table::start(target).await?;
    for (role, args, text) in REFUSED {
        let case = format!("{role} {args}");
        assert_eq!(table.submit(role, args).await?.value()?, json!(text), "{case}");
        table.nobody_was_disturbed(&case).await?;
        assert_eq!(table.stored().await?.operands, [], "{case}");
    }
    Ok(())
}

async fn what_cannot_be_played_leaves_an_earlier_round_as_it_was(target: Target) -> Result<()> {
    let mut table = Table::start(target).await?;
    table.dividend.play(table.period, 1.25).await?;
    table.divisor.play(table.period, 0.25).await?;
    let before = table.stored().await?;
    assert_eq!(before.quotients, [5.0]);
    for member in [&mut table.dividend, &mut table.divisor, &mut table.leader] {
        member.events_so_far().await?;
    }
    for (role, args, text) in REFUSED {
        let case = format!("{role} {args}");
        assert_eq!(table.submit(role, args).await?.value()?, json!(text), "{case}");
        table.nobody_was_disturbed(&case).await?;
    }
    assert_eq!(table.stored().await?, before);
    Ok(())
}

async fn a_call_without_arguments_misses_its_number(target: Target) -> Result<()> {
    let mut table = Table::start(target).await?;
    let uri = table.div.uri(&format!("period.{}.submit_decision", table.period));
    let id = table.dividend.wamp.send_call(&uri, None, None).await?;
    assert_eq!(table.dividend.wamp.answer(id).await?.value()?, json!(NOT_A_NUMBER));
    Ok(())
}

async fn every_spelling_of_a_number_is_stored_as_that_number(target: Target) -> Result<()> {
    let mut table = Table::start(target).await?;
    table.divisor.play(table.period, 0.5).await?;
    let cases = [
        ("[10]", 10.0),
        ("[2.5]", 2.5),
        ("[-3]", -3.0),
        (r#"["4"]"#, 4.0),
        (r#"[" 4 "]"#, 4.0),
        (r#"["1e3"]"#, 1000.0),
        (r#"["-0.5"]"#, -0.5),
        (r#"["+7"]"#, 7.0),
        ("[1E-2]", 0.01),
        ("[0]", 0.0),
        ("[1]", 1.0),
    ];
    for (args, operand) in cases {
        assert_eq!(table.submit("Dividend", args).await?.value()?, json!("ok"), "{args}");
        let stored = table.stored().await?;
        let expected = vec![
            (table.environment.roles["Divisor"], 0.5),
            (table.environment.roles["Dividend"], operand),
        ];
        assert_eq!(stored, Round { operands: expected, quotients: vec![operand / 0.5] }, "{args}");
    }
    Ok(())
}

async fn a_quotient_is_stored_to_its_last_digit(target: Target) -> Result<()> {
    let mut table = Table::start(target).await?;
    for (dividend, divisor, printed) in [
        (1, 3, r#"{"quotient":0.3333333333333333}"#),
        (10, 11, r#"{"quotient":0.9090909090909091}"#),
        (7, 2, r#"{"quotient":3.5}"#),
    ] {
        table.dividend.play(table.period, dividend).await?;
        table.divisor.play(table.period, divisor).await?;
        let results = table.div.rest.list(&format!("results/?period={}", table.period)).await?;
        assert_eq!(results[0]["data"].to_string(), printed);
    }
    Ok(())
}

async fn zero_by_a_negative_number_is_zero_without_a_sign(target: Target) -> Result<()> {
    let mut table = Table::start(target).await?;
    table.divisor.play(table.period, -2).await?;
    table.dividend.play(table.period, 0).await?;
    let quotients = table.stored().await?.quotients;
    assert_eq!(quotients, [0.0]);
    assert!(quotients[0].is_sign_positive());
    Ok(())
}

async fn keywords_name_the_operand_and_others_are_ignored(target: Target) -> Result<()> {
    let mut table = Table::start(target).await?;
    let uri = table.div.uri(&format!("period.{}.submit_decision", table.period));
    let role = table.environment.roles["Dividend"];
    let cases: [(Value, Value, f64); 4] = [
        (json!([]), json!({"operand": 1.5}), 1.5),
        (json!([]), json!({"operand": "2.5", "foo": "bar"}), 2.5),
        (json!([3]), json!({"foo": "bar"}), 3.0),
        (json!([4]), json!({"user": "somebody else"}), 4.0),
    ];
    for (args, kwargs, operand) in cases {
        let case = format!("{args} {kwargs}");
        let answer = table.dividend.wamp.call_kw(&uri, args, kwargs).await?;
        assert_eq!(answer.value()?, json!("ok"), "{case}");
        assert_eq!(table.stored().await?.operands, [(role, operand)], "{case}");
    }
    Ok(())
}

async fn a_quotient_that_is_not_finite_refuses_the_whole_submission(target: Target) -> Result<()> {
    let mut table = Table::start(target).await?;
    table.dividend.play(table.period, 1e308).await?;
    let before = table.stored().await?;
    let answer = table.submit("Divisor", "[1e-308]").await?.value()?;
    assert_eq!(answer, "The result is too large.");
    assert_eq!(table.stored().await?, before);
    Ok(())
}

async fn a_surplus_argument_is_an_error(target: Target) -> Result<()> {
    let mut table = Table::start(target).await?;
    let answer = table.submit("Dividend", "[1,2]").await?;
    assert_eq!(answer.error_uri(), Some("wamp.error.invalid_argument"));
    assert_eq!(table.stored().await?.operands, []);
    Ok(())
}

async fn a_round_that_the_leader_closed_takes_no_decision(target: Target) -> Result<()> {
    let mut table = Table::start(target).await?;
    let path = format!("periods/{}/", table.period);
    table.div.change(&path, &json!({"data": {"closed": true}})).await?;
    assert_eq!(table.leader.wamp.next_event().await?.resource(), "period");
    let answer = table.dividend.submit(table.period, 1).await?.value()?;
    assert_eq!(answer, "This round is closed.");
    assert_eq!(table.stored().await?.operands, []);
    Ok(())
}

async fn who_has_no_business_in_a_period_gets_one_and_the_same_error(target: Target) -> Result<()> {
    let table = Table::start(target).await?;
    let seeded = table.div.seed(&["-n", "a"], "").await?;
    assert_eq!(seeded.code, Some(0), "{}", seeded.stderr);
    let other_run = table.div.caught_up("a").await?;
    let mut outsiders = vec![
        table.div.member(&table.environment, "s3@div.edu").await?,
        table.div.member(&table.environment, "leader@div.edu").await?,
        table.div.member(&other_run, "a1@div.edu").await?,
    ];
    let mut unknown = table.div.member(&table.environment, "s4@div.edu").await?;
    let expected = unknown.submit(999_999, 1).await?;
    assert_eq!(expected.error_uri(), NOT_AUTHORIZED);
    for outsider in &mut outsiders {
        let answer = outsider.submit(table.period, 7).await?;
        assert_eq!(answer.error_uri(), NOT_AUTHORIZED);
        // The leader may see the period, so only players must not tell it from an unknown one.
        if outsider.role.is_some() {
            assert_eq!(answer, expected);
        }
    }
    assert_eq!(table.stored().await?.operands, []);
    Ok(())
}

async fn a_name_that_only_begins_like_a_procedure_is_none(target: Target) -> Result<()> {
    let mut table = Table::start(target).await?;
    let path = format!("period.{}.submit_decisionXYZ", table.period);
    let answer = table.dividend.call(&path, json!([1])).await?;
    assert_eq!(answer.error_uri(), Some("wamp.error.no_such_procedure"));
    Ok(())
}

async fn a_private_scenario_takes_the_decision_of_its_owner_only(target: Target) -> Result<()> {
    let mut table = Table::start(target).await?;
    let seeded = table.div.seed(&["--test-scenarios"], "").await?;
    assert_eq!(seeded.code, Some(0), "{}", seeded.stderr);
    let path = format!("runuser.{}.get_scenarios", table.dividend.runuser);
    let known = tokio::time::timeout(DEADLINE, async {
        loop {
            let scenarios = table.dividend.call(&path, json!([])).await?.value()?;
            if !scenarios[0]["children"][0].is_null() {
                return anyhow::Ok(scenarios);
            }
        }
    });
    let scenarios = known.await.context("the private scenario is not known")??;
    assert_eq!(scenarios[0]["data"]["name"], "Test Scenario 1");
    let period = scenarios[0]["children"][0]["pk"].as_u64().unwrap_or_default();
    table.dividend.play(period, 3).await?;
    let role = table.environment.roles["Dividend"];
    let expected = Round { operands: vec![(role, 3.0)], quotients: vec![] };
    assert_eq!(table.div.round(period).await?, expected);
    assert_eq!(table.divisor.submit(period, 4).await?.error_uri(), NOT_AUTHORIZED);
    assert_eq!(table.div.round(period).await?, expected);
    Ok(())
}

tests_on!(
    every,
    [
        what_cannot_be_played_is_answered_by_a_text_and_stores_nothing,
        what_cannot_be_played_leaves_an_earlier_round_as_it_was,
        a_call_without_arguments_misses_its_number,
        every_spelling_of_a_number_is_stored_as_that_number,
        a_quotient_is_stored_to_its_last_digit,
        zero_by_a_negative_number_is_zero_without_a_sign,
        keywords_name_the_operand_and_others_are_ignored,
        a_quotient_that_is_not_finite_refuses_the_whole_submission,
        a_surplus_argument_is_an_error,
        a_round_that_the_leader_closed_takes_no_decision,
        who_has_no_business_in_a_period_gets_one_and_the_same_error,
        a_name_that_only_begins_like_a_procedure_is_none,
        a_private_scenario_takes_the_decision_of_its_owner_only,
    ]
);
