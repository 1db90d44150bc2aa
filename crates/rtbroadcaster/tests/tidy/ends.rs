//! The examples of an owner in this process and of one over the network differ only in how the owner is obtained. Must
//! not know what they do.

use std::collections::BTreeMap;

/// An example that a reader sees, without its imports, what wraps it, and how its owner is obtained.
type Body = Vec<String>;

/// The parts of a line that a body does not have: imports, the function around it, and the owner's origin.
const NOT_OF_THE_BODY: [&str; 7] =
    ["use ", "#[tokio::main]", "async fn main()", "let manager = ", "let owner = ", "Ok(())", "}"];

/// Every item of which both sources have an example, and not the same one.
pub(crate) fn differing_sources(near: &str, far: &str) -> Vec<String> {
    let (near, far) = (examples_by_item(near), examples_by_item(far));
    let both = near.iter().filter_map(|(item, body)| Some((item, body, far.get(item)?)));
    both.filter_map(|(item, near, far)| difference(item, Some(near), Some(far))).collect()
}

/// Every item with an example in one of the sources of which the other one, which has the item too, has none.
pub(crate) fn missing_examples(near: &str, far: &str) -> Vec<String> {
    let lacking = |these: &str, those: &str| -> Vec<String> {
        let told = examples_by_item(those);
        let items = examples_by_item(these).into_keys().filter(|item| those.contains(&format!("pub {item}")));
        items.filter(|item| !told.contains_key(item)).map(|item| format!("only one `{item}` has an example")).collect()
    };
    [lacking(near, far), lacking(far, near)].concat()
}

/// Whether the first Rust examples after these headings of two documents differ.
pub(crate) fn differing_documents(near: (&str, &str), far: (&str, &str)) -> Vec<String> {
    let body_after = |(text, heading): (&str, &str)| {
        let (_, block) = text.split_once(heading)?.1.split_once("```rust")?;
        let (block, _) = block.split_once("\n```")?;
        Some(body(block.lines().skip(1)))
    };
    difference(near.1, body_after(near).as_ref(), body_after(far).as_ref()).into_iter().collect()
}

fn difference(name: &str, near: Option<&Body>, far: Option<&Body>) -> Option<String> {
    match (near, far) {
        (Some(near), Some(far)) if near == far && !near.is_empty() => None,
        (near, far) => Some(format!("the examples of `{name}` differ: {near:#?} and {far:#?}")),
    }
}

fn body<'a>(lines: impl Iterator<Item = &'a str>) -> Body {
    let seen = lines.map(str::trim).filter(|line| !line.is_empty() && *line != "#" && !line.starts_with("# "));
    let of_the_body = seen.filter(|line| !NOT_OF_THE_BODY.iter().any(|part| line.starts_with(part)));
    of_the_body.map(str::to_owned).collect()
}

/// The examples of a source in its doc comments, by the item below each, such as `fn send`.
fn examples_by_item(source: &str) -> BTreeMap<String, Body> {
    let (mut examples, mut block, mut last) = (BTreeMap::new(), None::<Vec<&str>>, Body::new());
    for line in source.lines().map(str::trim) {
        match (line.strip_prefix("///"), &mut block) {
            (Some(text), Some(_)) if text.trim() == "```" => last = body(block.take().into_iter().flatten()),
            (Some(text), Some(lines)) => lines.push(text.trim()),
            (Some(text), None) if text.trim().starts_with("```") => block = Some(Vec::new()),
            (Some(_), None) => {}
            (None, _) if line.starts_with('#') => {}
            (None, _) => {
                let item = line.strip_prefix("pub ").map(|item| item.trim_start_matches("async "));
                let name = item.and_then(|item| item.split(['(', '<', ' ']).nth(1).map(|name| (item, name)));
                if let (Some((item, name)), false) = (name, last.is_empty()) {
                    let kind = item.split(' ').next().unwrap_or_default();
                    examples.insert(format!("{kind} {name}"), std::mem::take(&mut last));
                }
                last.clear();
            }
        }
    }
    examples
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(item: &str, lines: &[&str]) -> String {
        let lines: Vec<_> = lines.iter().map(|line| format!("    /// {line}\n")).collect();
        format!(
            "    /// Does it.\n    ///\n    /// ```\n{}    /// ```\n    #[must_use]\n    pub {item}(&self) {{}}\n",
            lines.concat()
        )
    }

    #[test]
    fn examples_that_differ_in_more_than_their_owner_are_found() {
        let near = source("async fn send", &["use a::b;", "let owner = here();", "owner.send(1).await?;"]);
        let far = source("async fn send", &["# hidden();", "let owner = there();", "", "owner.send(1).await?;"]);
        assert_eq!(differing_sources(&near, &far), [""; 0]);
        let other = source("async fn send", &["let owner = there();", "owner.send(2).await?;"]);
        assert_eq!(differing_sources(&near, &other).len(), 1);
        assert_eq!(differing_sources(&near, &source("fn only_there", &["owner.status();"])), [""; 0]);
        assert_eq!(
            differing_sources(&source("fn send", &["use a;"]), &source("fn send", &["use a;"])),
            [""; 0],
            "no example"
        );
    }

    #[test]
    fn an_item_of_both_with_one_example_is_found() {
        let near = source("fn clear", &["owner.clear();"]);
        let far = "    /// Clears.\n    pub fn clear(&self) {}\n";
        assert_eq!(missing_examples(&near, far), ["only one `fn clear` has an example"]);
        assert_eq!(missing_examples(far, &near).len(), 1);
        assert_eq!(missing_examples(&near, "pub fn close() {}"), [""; 0]);
        assert_eq!(missing_examples(&near, &near), [""; 0]);
    }

    #[test]
    fn documents_are_compared_by_the_example_after_their_heading() {
        let near = "Text.\n```rust\nno();\n```\nHere:\n```rust\nlet owner = here();\nowner.publish();\n```\n";
        let far = "## There\n```rust,no_run\nlet owner = there();\nowner.publish();\n# Ok(()) }\n```\n";
        assert_eq!(differing_documents((near, "Here:"), (far, "## There")), [""; 0]);
        assert_eq!(differing_documents((near, "Text."), (far, "## There")).len(), 1);
        assert_eq!(differing_documents((near, "Here:"), (far, "## Nowhere")).len(), 1);
    }
}
