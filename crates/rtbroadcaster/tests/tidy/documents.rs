//! What the documents point to exists, and what they promise is what the code says. Must not know Rust.

use std::collections::BTreeSet;

/// Codes that stand for the absence of a close frame (RFC 6455 section 7.4.1): told in the text, never sent.
const NEVER_SENT: [u16; 2] = [1005, 1006];

/// Every relative link of a Markdown file whose target does not `exist`, targets given from the root.
pub(crate) fn broken_links(path: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut wrong = Vec::new();
    let mut in_block = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        }
        if in_block {
            continue;
        }
        for target in links(&without_code(line)) {
            let file = target.split('#').next().unwrap_or_default();
            let is_elsewhere = file.contains("://") || file.starts_with("mailto:");
            if file.is_empty() || is_elsewhere {
                continue;
            }
            let from_root = file.strip_prefix('/').map_or_else(|| format!("{folder}/{file}"), str::to_owned);
            if !exists(from_root.trim_start_matches('/')) {
                wrong.push(format!("{path}:{}: broken link to `{target}`", number + 1));
            }
        }
    }
    wrong
}

/// The targets of `[text](target)`, `[text](target "title")` and `[name]: target`.
fn links(line: &str) -> Vec<String> {
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let defined = line.starts_with('[').then(|| line.split_once("]: ")).flatten();
    let defined = defined.and_then(|(_, target)| target.split_whitespace().next());
    inline.chain(defined).map(|target| target.trim_matches(['<', '>']).to_owned()).collect()
}

/// The line without what stands between backticks.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

/// Every close code that only one of the two has: PROTOCOL.md's sentence "Close codes: ..." or the table.
pub(crate) fn wrong_codes(protocol: &str, table: &BTreeSet<u16>) -> Vec<String> {
    let section = protocol.split("\n## ").find(|section| section.starts_with("4."));
    let Some((_, sentence)) = section.and_then(|section| section.split_once("Close codes:")) else {
        return vec!["PROTOCOL.md has no sentence `Close codes: ...` in section 4".into()];
    };
    let sentence = sentence.split(". ").next().unwrap_or_default();
    // Words keep their `-`, so that a range such as 4000-4499 is not taken for two codes.
    let words = sentence.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
    let mut told: BTreeSet<u16> = words.filter(|word| word.len() == 4).filter_map(|word| word.parse().ok()).collect();
    told.retain(|code| !NEVER_SENT.contains(code));
    let untold =
        table.difference(&told).map(|code| format!("PROTOCOL.md section 4 does not tell the close code {code}"));
    let unknown = told.difference(table).map(|code| format!("PROTOCOL.md section 4 tells {code}, which is never sent"));
    untold.chain(unknown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_broken_link_is_found_and_no_other() {
        let text = "[a](GONE.md) [b](../HERE.md#part) `[c](NO.md)` [d](#part) [e](https://example.org)\n\
                    ```\n[f](NO.md)\n```\n[g]: GONE.md\n[h](docs/HERE.md \"title\") [i](/HERE.md)\n";
        let wrong = broken_links("docs/a.md", text, |target| {
            ["docs/../HERE.md", "docs/docs/HERE.md", "HERE.md"].contains(&target)
        });
        assert_eq!(wrong, ["docs/a.md:1: broken link to `GONE.md`", "docs/a.md:5: broken link to `GONE.md`"]);
    }

    #[test]
    fn a_code_that_only_the_text_or_only_the_table_has_is_found() {
        let text = |codes: &str| format!("## 3. HTTP\n409\n## 4. Ends\nClose codes: {codes}. 1001, 1005 come back.");
        let table = BTreeSet::from([1000, 4008]);
        assert_eq!(wrong_codes(&text("1000 done, 1006 cut;\n4000-4499 come back (4008 slow)"), &table), [""; 0]);
        assert_eq!(wrong_codes(&text("1000 done"), &table).len(), 1);
        assert_eq!(wrong_codes(&text("1000 done, 4008 slow, 4009 odd"), &table).len(), 1);
        assert_eq!(wrong_codes("## 4. Ends\nNothing.", &table).len(), 1);
    }
}
