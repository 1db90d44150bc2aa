//! Responses to plain HTTP, and the outputs of the program.

use crate::connection::Connection;
use crate::server::{Server, program, soon};

/// What a request without more headers gets.
async fn check(server: &Server, request: &str, status: u16, body: Option<&str>) {
    let answer = Connection::open(server).await.ask(request, "").await;
    assert_eq!(answer.status, status, "{request}: {answer:?}");
    if let Some(body) = body {
        assert_eq!(answer.body, body, "{request}");
    }
}

#[tokio::test]
async fn every_path_has_its_answer() {
    let server = Server::start().await;
    check(&server, "GET /healthz", 200, Some("ok")).await;
    check(&server, "GET /readyz", 200, Some("ready")).await;
    check(&server, "GET /readyz?a=b", 200, Some("ready")).await;
    for path in ["/broadcasting/", "/broadcasting/x", "/HEALTHZ", "//broadcasting", "/%62roadcasting"] {
        let nothing = "there is nothing here; the WebSocket endpoint is /broadcasting\n";
        check(&server, &format!("GET {path}"), 404, Some(nothing)).await;
    }
}

#[tokio::test]
async fn a_wrong_method_gets_the_right_ones() {
    let server = Server::start().await;
    for (request, allowed) in [
        ("POST /broadcasting", "GET"),
        ("OPTIONS /broadcasting", "GET"),
        ("POST /healthz", "GET,HEAD"),
        ("DELETE /readyz", "GET,HEAD"),
    ] {
        let answer = Connection::open(&server).await.ask(request, "Content-Length: 0\r\n").await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allowed)), "{request}");
    }
}

#[tokio::test]
async fn a_connection_answers_one_request_after_the_other() {
    let server = Server::start().await;
    let mut connection = Connection::open(&server).await;
    for _ in 0..3 {
        assert_eq!(connection.ask("GET /healthz", "").await.body, "ok");
    }
    assert_eq!(connection.upgrade("").await.status, 101);
}

#[tokio::test]
async fn the_announcement_has_the_real_port_and_is_all_of_stdout() {
    let mut server = Server::started_by(&mut program(), &["--path", "/elsewhere"]).await;
    assert_ne!(server.address.port(), 0);
    assert_eq!(server.url, format!("ws://{}/elsewhere", server.address));
    for line in
        [format!("Present    http://{}/", server.address), format!("Viewers    http://{}/?uuid=ROOM", server.address)]
    {
        assert!(server.announcement.contains(&line), "{line} is not in {}", server.announcement);
    }
    check(&server, "GET /broadcasting", 404, None).await;
    check(&server, "GET /elsewhere", 400, None).await;
    server.signal("TERM").await;
    assert!(server.exit().await.success());
    let (stdout, log) = server.rest().await;
    assert_eq!(stdout, [""], "one empty line behind it");
    assert!(log.iter().any(|line| line.contains("listening")), "{log:?}");
    assert!(log.iter().all(|line| !line.contains('\x1b')), "no colours where nobody sees them: {log:?}");
}

#[tokio::test]
async fn the_log_can_be_json_and_can_be_off() {
    let mut server = Server::started_by(&mut program(), &["--log-format", "json"]).await;
    let line: serde_json::Value = serde_json::from_str(&server.log_has("listening").await).unwrap();
    assert_eq!(line["address"], server.address.to_string());
    assert_eq!(line["level"], "INFO");

    let server = Server::started_by(&mut program(), &["--log", "off"]).await;
    server.signal("TERM").await;
    assert_eq!(server.rest().await, (vec![String::new()], vec![]));
}

#[tokio::test]
async fn a_wrong_command_line_says_what_would_be_right() {
    for (arguments, expected) in [
        (&["--path", "broadcasting"][..], "a path begins with '/'"),
        (
            &["--listen", "localhost"],
            "--listen: `listen` cannot be `localhost`: expected an IP address or a host name, and",
        ),
        (&["--log", "rtbroadcaster=loud"], "`loud` is no level: write error, warn, info, debug, trace or off"),
        (&["--log", "inof"], "`inof` is no level"),
        (&["--flush-interval", "18446744073709551615s"], "250ms, 10s or 5m, 1ms to 10s, or none"),
        (&["--log-format", "xml"], "expected text or json"),
        (&["--config", "no/such/file.toml"], "cannot read the configuration no/such/file.toml"),
        (&["--nonsense"], "unexpected argument '--nonsense'"),
        (&["walk"], "'walk'"),
    ] {
        let output = soon("the refusal", program().args(arguments).output()).await.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(expected), "{arguments:?}: {said}");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments:?}");
    }
    let help = soon("the help", program().arg("--help").output()).await.unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for expected in [
        "--listen <HOST:PORT>",
        "--owner-grace <TIME>",
        "127.0.0.1:8080",
        "/broadcasting",
        "[100ms to 12days, or none]",
        "[default: 25s]",
        "Examples:",
        "serve",
    ] {
        assert!(help.contains(expected), "`{expected}` is not in:\n{help}");
    }
}

#[tokio::test]
async fn settings_come_from_a_file_variables_and_flags() {
    let folder = std::env::temp_dir().join(format!("rtbroadcaster-settings-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("show.toml");
    std::fs::write(&file, "path = \"/from-the-file\"\n").unwrap();
    let file = file.to_str().unwrap();

    let server = Server::started_by(&mut program(), &["--config", file]).await;
    assert!(server.url.ends_with("/from-the-file"), "{}", server.url);
    let server = Server::started_by(program().env("RTB_CONFIG", file).env("RTB_PATH", "/from-a-variable"), &[]).await;
    assert!(server.url.ends_with("/from-a-variable"), "{}", server.url);
    let server = Server::started_by(program().env("RTB_PATH", "/from-a-variable"), &["--path", "/from-a-flag"]).await;
    assert!(server.url.ends_with("/from-a-flag"), "{}", server.url);

    let foreign = [("RTB_PAHT", "/x"), ("RTB_PORT", "tcp://10.0.0.1:8080"), ("RTB_SERVICE_HOST", "10.0.0.1")];
    let mut server = Server::started_by(program().envs(foreign), &[]).await;
    let line = server.log_has("WARN").await;
    let expected =
        "variables that are no settings are ignored: RTB_PAHT (did you mean RTB_PATH?), RTB_PORT, RTB_SERVICE_HOST";
    assert!(line.contains(expected), "{line}");
    std::fs::remove_dir_all(folder).unwrap();
}

/// The exit code, stdout and stderr of a command.
async fn run(arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut command = program();
    let output = soon("its end", command.args(arguments).envs(variables.iter().copied()).output()).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn a_configuration_is_checked_without_serving() {
    let folder = std::env::temp_dir().join(format!("rtbroadcaster-check-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("show.toml");
    let name = file.to_str().unwrap();
    std::fs::write(&file, "path = \"/show\"\nrooms_max = 5\n").unwrap();
    let check = ["check", "--config", name];
    assert_eq!(run(&check, &[]).await, (Some(0), "ok\n".into(), String::new()));
    let (code, out, warned) = run(&check, &[("RTB_PAHT", "/x")]).await;
    assert_eq!((code, out.as_str()), (Some(0), "ok\n"));
    assert!(
        warned.starts_with("rtbroadcaster: warning: variables that are no settings are ignored: RTB_PAHT"),
        "{warned}"
    );

    std::fs::write(&file, "path = \"/show\"\n\nroms_max = 5\nping_interval = \"13days\"\n").unwrap();
    let (code, out, said) = run(&[&check[..], &["--ack", "raid"]].concat(), &[("PORT", "http")]).await;
    assert_eq!((code, out.as_str()), (Some(2), ""));
    let begins = [
        "rtbroadcaster: variable PORT: `listen` cannot be `http`: expected a port".to_owned(),
        format!("rtbroadcaster: {name}:3: unknown key `roms_max`, did you mean `rooms_max`?"),
        format!("rtbroadcaster: {name}:4: `ping_interval` cannot be `13days`: expected a duration"),
        "rtbroadcaster: --ack: `ack` cannot be `raid`".to_owned(),
    ];
    assert_eq!(said.lines().count(), begins.len(), "{said}");
    for begin in begins {
        assert!(said.lines().any(|line| line.starts_with(&begin)), "{begin} is not in\n{said}");
    }
    assert_eq!(run(&[&["serve"], &check[1..], &["--ack", "raid"]].concat(), &[("PORT", "http")]).await.2, said);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn the_settings_in_force_are_printed_with_their_places() {
    let effective = ["config", "--effective", "--path", "/show"];
    let (code, out, said) = run(&effective, &[("RTB_ROOMS_MAX", "7"), ("PORT", "3000")]).await;
    assert_eq!((code, said.as_str()), (Some(0), ""));
    for line in [
        "path = \"/show\"  # --path",
        "rooms_max = 7  # variable RTB_ROOMS_MAX",
        "listen = [\"0.0.0.0:3000\"]  # variable PORT",
    ] {
        assert!(out.lines().any(|found| found == line), "{line} is not in\n{out}");
    }
    let (code, out, said) = run(&["config", "--path", "/show"], &[]).await;
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(said.contains("config --effective"), "{said}");
}

#[tokio::test]
async fn the_check_of_a_balancer_that_speaks_http_1_0_is_answered_and_one_without_host_that_could_is_not() {
    let mut server = Server::start().await;
    for (request, status) in [
        ("GET /readyz HTTP/1.0\r\n\r\n", "200"),
        ("OPTIONS / HTTP/1.0\r\n\r\n", "200"),
        ("GET /healthz HTTP/1.0\r\nHost: evil.test\r\n\r\n", "403"),
        ("GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n", "403"),
    ] {
        let mut connection = Connection::open(&server).await;
        connection.write(request).await.unwrap();
        let mut answer = String::new();
        let mut stream = connection.into_stream();
        soon("the answer", tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut answer)).await.unwrap();
        assert_eq!(answer.split_whitespace().nth(1), Some(status), "{request}: {answer}");
    }
    server.signal("TERM").await;
    assert!(server.exit().await.success());
}

#[tokio::test]
async fn the_printed_configuration_is_the_documented_one() {
    let printed = soon("the configuration", program().arg("config").output()).await.unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    let documented = include_str!("../../../../docs/configuration.md");
    assert!(
        documented.contains(&format!("```toml\n{printed}```\n")),
        "copy this into docs/configuration.md:\n{printed}"
    );
}
