//! The suite's verdicts against the expected ones.

use super::*;

const REPORT: &str = r#"{
    "Direct": {
        "1.1.1": { "behavior": "OK", "behaviorClose": "OK", "remoteCloseCode": 1000, "duration": 2 },
        "7.1.6": { "behavior": "INFORMATIONAL", "behaviorClose": "INFORMATIONAL", "remoteCloseCode": 1000 }
    },
    "Generic": {
        "1.1.1": { "behavior": "NON-STRICT", "behaviorClose": "OK", "remoteCloseCode": null },
        "99.1": { "behavior": "OK", "behaviorClose": "OK", "remoteCloseCode": 1000 }
    }
}"#;

fn case(name: &str) -> CaseNumber {
    name.parse().unwrap()
}

fn cases(differences: &[Difference]) -> Vec<String> {
    differences.iter().map(Difference::name).collect()
}

#[test]
fn only_compression_is_not_expected_and_only_cases_of_7_are_informational() {
    let expected = expected(EXPECTED).unwrap();
    let of = |group| expected.keys().filter(|case| case.group() == group).count();
    assert_eq!([1, 2, 3, 4, 5, 6, 7, 9, 10].map(of), [16, 11, 7, 10, 20, 145, 37, 54, 1]);
    assert_eq!(expected.len(), 301);
    let informational = ["7.1.6", "7.13.1", "7.13.2"].map(case);
    for (case, verdict) in expected {
        assert!(verdict.both(if informational.contains(&case) { INFORMATIONAL } else { OK }), "{case}: {verdict}");
    }
}

#[test]
fn a_case_that_is_worse_or_missing_or_new_is_a_difference() {
    let results = Results::parse(REPORT).unwrap();
    let named = |pattern: &str, path| results.differences(&[path], &[pattern.to_owned()]).unwrap();
    assert_eq!(cases(&named("1.1.1", "Direct")), [""; 0]);
    assert_eq!(cases(&named("1.1.1", "Generic")), ["Generic 1.1.1", "Generic 99.1"]);
    assert_eq!(cases(&named("3.*", "Direct")).len(), 7, "not one of them was run");
    assert_eq!(cases(&named("3.1", "Nobody")), ["Nobody 3.1"]);
    let told: Vec<_> = named("1.1.1", "Generic").iter().map(Difference::to_string).collect();
    assert_eq!(told[0], "Generic 1.1.1: NON-STRICT, OK, - where OK, OK, 1000 is expected");
    assert_eq!(told[1], "Generic 99.1: OK, OK, 1000 where nothing is expected");
    assert!(results.differences(&["Direct"], &["8.*".to_owned()]).is_err());
}

#[test]
fn cases_are_named_and_ordered_by_their_numbers() {
    assert!(case("9.1.1") < case("10.1.1") && case("2.2") < case("2.10"));
    assert!(case("6.4.1").is_named("6.*") && case("2.10").is_named("2.10"));
    assert!(!case("10.1.1").is_named("1.*") && !case("2.10").is_named("2.1"));
    assert_eq!((case("9.5.6").section(), case("6.4.1").section()), ("9.5".into(), "6".into()));
    assert!("6.x".parse::<CaseNumber>().is_err());
}

#[test]
fn the_table_counts_what_is_ok_and_all_else() {
    let table = Results::parse(REPORT).unwrap().to_string();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[1], ["1", "Direct", "1", "1", "0", "0"]);
    assert_eq!(rows[2], ["1", "Generic", "1", "0", "0", "1"]);
    assert_eq!(rows.last().unwrap(), &["all", "Generic", "2", "1", "0", "1"]);
    assert_eq!(rows[rows.len() - 2], ["all", "Direct", "2", "1", "1", "0"]);
}
