//! What the documents point to exists, and what they promise is what the code says. Must not know Rust.

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

/// Every row that only one of the two has: the table of PROTOCOL.md whose first column is called `name`, or the code.
/// A row is its cells, of which `columns` are compared.
pub(crate) fn wrong_rows(protocol: &str, name: &str, columns: &[usize], code: &[Vec<String>]) -> Vec<String> {
    let told: Vec<Vec<String>> = table(protocol, name)
        .iter()
        .map(|row| columns.iter().map(|column| row.get(*column).cloned().unwrap_or_default()).collect())
        .collect();
    if told.is_empty() {
        return vec![format!("PROTOCOL.md has no table whose first column is `{name}`")];
    }
    let only = |these: &[Vec<String>], those: &[Vec<String>], says: &str| -> Vec<String> {
        let missing = these.iter().filter(|row| !those.contains(row));
        missing.map(|row| format!("only {says}: {}", row.join(" | "))).collect()
    };
    let mut wrong = [only(&told, code, "PROTOCOL.md says"), only(code, &told, "the code says")].concat();
    if wrong.is_empty() && told != code {
        wrong.push(format!("the rows of `{name}` stand in another order"));
    }
    wrong
}

/// The rows of the Markdown table whose first column is called `name`, each cell without its backticks.
fn table(text: &str, name: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| -> Option<Vec<String>> {
        let inner = line.strip_prefix('|')?.strip_suffix('|')?;
        Some(inner.split('|').map(|cell| cell.trim().replace('`', "")).collect())
    };
    let mut lines = text.lines().map(cells).skip_while(|row| row.as_ref().is_none_or(|row| row[0] != name));
    // The head and the line under it.
    lines.by_ref().take(2).for_each(drop);
    lines.map_while(std::convert::identity).collect()
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
    fn a_row_that_only_the_text_or_only_the_code_has_is_found() {
        let text = "Words.\n| code | word |\n|---|---|\n| 1000 | `done` |\n| 4008 | `slow` |\n\n| error | |\n|---|---|\n| `x` | |\n";
        let row = |cells: &[&str]| cells.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (done, slow) = (row(&["1000", "done"]), row(&["4008", "slow"]));
        assert_eq!(wrong_rows(text, "code", &[0, 1], &[done.clone(), slow.clone()]), [""; 0]);
        assert_eq!(wrong_rows(text, "code", &[1], &[row(&["done"]), row(&["slow"])]), [""; 0]);
        assert_eq!(wrong_rows(text, "code", &[0, 1], std::slice::from_ref(&done)).len(), 1);
        assert_eq!(wrong_rows(text, "code", &[0, 1], &[done.clone(), row(&["4008", "fast"])]).len(), 2);
        assert_eq!(wrong_rows(text, "code", &[0, 1], &[slow, done]).len(), 1, "another order");
        assert_eq!(wrong_rows(text, "error", &[0, 1], &[row(&["x", ""])]), [""; 0]);
        assert_eq!(wrong_rows(text, "none", &[0], &[]).len(), 1);
    }
}
