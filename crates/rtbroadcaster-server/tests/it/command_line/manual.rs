//! Help, completions and manual pages.

use tokio::process::Command;

use crate::process::Process;

#[tokio::test]
async fn help_shows_examples_and_exit_codes() {
    for command in ["watch", "publish"] {
        let end = Process::start(&[command, "--help"]).end().await;
        let help = end.stdout.join("\n");
        assert_eq!(end.code, Some(0));
        for text in ["Examples:\n  rtbroadcaster ", "Exit code:\n", "130  ended by SIGINT"] {
            assert!(help.contains(text), "{command}: {help}");
        }
    }
}

#[tokio::test]
async fn every_shell_knows_the_options_and_bash_reads_its_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let end = Process::start(&["completions", shell]).end().await;
        let script = end.stdout.join("\n");
        assert!(end.code == Some(0) && script.contains("owner-key-file") && script.contains("publish"), "{shell}");
        if shell == "bash" {
            // As a shell would complete it.
            let ask = format!(
                "{script}\nCOMP_WORDS=(rtbroadcaster publish --owner); COMP_CWORD=2; COMPREPLY=()\n\
                 _rtbroadcaster rtbroadcaster --owner publish; echo \"${{COMPREPLY[@]}}\""
            );
            let mut bash = Command::new("bash");
            let end = Process::of(bash.args(["-c", &ask])).end().await;
            assert_eq!(end.stdout, ["--owner-key-file"], "{:?}", end.stderr);
        }
    }
}

#[tokio::test]
async fn there_is_a_manual_page_of_the_program_and_of_each_command() {
    let page = Process::start(&["man"]).end().await.stdout.join("\n");
    assert!(page.contains(".TH rtbroadcaster 1"), "{page}");
    for command in ["serve", "watch", "publish", "bench", "config", "completions", "man"] {
        assert!(page.contains(&format!("rtbroadcaster\\-{command}(1)")), "{command}: {page}");
        let end = Process::start(&["man", command]).end().await;
        let page = end.stdout.join("\n");
        assert!(end.code == Some(0) && page.contains(&format!(".TH rtbroadcaster-{command} 1")), "{page}");
    }
}
