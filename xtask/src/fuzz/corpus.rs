//! Keeps the corpora in the repository small. Must not know what an input stands for.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{cargo_fuzz, folder, found};
use crate::steps::{Failure, Steps, root};

/// The most inputs in one corpus; fuzz/properties enforces it too.
const FILES_MAX: usize = 150;

/// Folds the inputs found here into the corpus of one target. It keeps the inputs that together reach most edges, and
/// those whose names are words.
pub(super) fn merge(program: &Path, name: &str, steps: &mut Steps) -> Result<(), Failure> {
    let (corpus, merged) = (root().join("fuzz/corpus").join(name), folder().join("merged").join(name));
    let reached = folder().join(format!("{name}.reached"));
    let wrong = |error: io::Error| Failure::new(format!("{} or {}: {error}", corpus.display(), merged.display()));
    for old in [fs::remove_dir_all(&merged), fs::remove_file(&reached)] {
        old.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
            .map_err(wrong)?;
    }
    fs::create_dir_all(&merged).map_err(wrong)?;
    let into = [&merged, &corpus, &found(name)?].map(|folder| folder.to_string_lossy().into_owned());
    let mut merge = cargo_fuzz(program, "run", &[name, &into[0], &into[1], &into[2], "--"]);
    // With counters, an input would stay for each number of iterations of a loop.
    merge.args(["-set_cover_merge=1", "-use_counters=0"]).arg(format!("-merge_control_file={}", reached.display()));
    steps.run(&mut merge)?;
    let before = files(&corpus).map_err(wrong)?;
    let most = FILES_MAX.saturating_sub(before.iter().filter(|file| is_word(file)).count());
    let stays = fewest(inputs(&fs::read_to_string(&reached).map_err(wrong)?), most);
    let hash = |path: &Path| path.file_name().map_or_else(PathBuf::new, PathBuf::from);
    stays.iter().try_for_each(|file| fs::copy(file, merged.join(hash(file))).map(drop)).map_err(wrong)?;
    before
        .iter()
        .filter(|file| !is_word(file))
        .try_for_each(|file| fs::remove_file(corpus.join(file)))
        .map_err(wrong)?;
    stays
        .iter()
        .try_for_each(|file| fs::copy(merged.join(hash(file)), corpus.join(hash(file))).map(drop))
        .map_err(wrong)?;
    println!("{name}: {} inputs before, {} after", before.len(), files(&corpus).map_err(wrong)?.len());
    Ok(())
}

/// An input and the features that it reaches.
#[derive(Debug)]
struct Input<'told> {
    path: PathBuf,
    reaches: HashSet<&'told str>,
}

/// Reads the output of libFuzzer's merge: the number of inputs, one number more, a path per line, then what each
/// reaches.
fn inputs(told: &str) -> Vec<Input<'_>> {
    let count = told.lines().next().and_then(|line| line.parse().ok()).unwrap_or(0);
    let paths = told.lines().skip(2).take(count);
    let mut inputs: Vec<_> = paths.map(|path| Input { path: path.into(), reaches: HashSet::new() }).collect();
    for line in told.lines().filter_map(|line| line.strip_prefix("FT ")) {
        let mut words = line.split_whitespace();
        let input = words.next().and_then(|place| inputs.get_mut(place.parse::<usize>().ok()?));
        if let Some(input) = input {
            input.reaches.extend(words);
        }
    }
    inputs
}

/// Returns the inputs that together reach most: repeatedly the one that adds most, until none adds anything or `most`
/// are chosen.
fn fewest(mut inputs: Vec<Input<'_>>, most: usize) -> Vec<PathBuf> {
    let mut chosen = Vec::new();
    while chosen.len() < most {
        let Some(place) = (0..inputs.len()).rev().max_by_key(|place| inputs[*place].reaches.len()) else { break };
        let best = inputs.swap_remove(place);
        if best.reaches.is_empty() {
            break;
        }
        inputs.iter_mut().for_each(|input| input.reaches.retain(|edge| !best.reaches.contains(edge)));
        chosen.push(best.path);
    }
    chosen
}

/// Returns the names of the files in a folder.
fn files(folder: &Path) -> io::Result<Vec<String>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// Returns whether a person named this input; libFuzzer names inputs by a hash.
fn is_word(name: &str) -> bool {
    !name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_that_is_no_hash_is_a_word() {
        assert!(is_word("a-close-of-1014"));
        assert!(!is_word("03e2da9f405b") && !is_word("adc83b19e793491b1c6ea0fd8b46cd9f32e592fc"));
    }

    #[test]
    fn the_inputs_that_reach_most_stay() {
        let told = "4\n0\nx/a\nx/b\nx/c\nx/d\nSTARTED 0 9\nFT 0 1 2\nCOV 0 1\nFT 1 1 2 3\nFT 2 4\nFT 3\n";
        let stay = |most| fewest(inputs(told), most);
        assert_eq!(stay(9), [PathBuf::from("x/b"), PathBuf::from("x/c")]);
        assert_eq!(stay(1), [PathBuf::from("x/b")]);
    }
}
