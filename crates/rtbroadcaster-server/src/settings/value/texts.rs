//! Parses and writes the values that are texts in a file.
//! Must not know which settings there are.

use std::path::PathBuf;

use rtbroadcaster::{Ack, InvalidOrigin, Origin};

use super::{Range, SettingValue, Shape, quoted};
use crate::address::{ListenAddress, NotAnAddress};
use crate::endpoint::{Endpoint, EndpointError};
use crate::host_name::{HostName, NotAHostName};
use crate::log::{Filter, Format};
use crate::nats_servers::{Namespace, NatsFile, NatsMonitors, NatsServers, NatsServersError, NoMonitor, NoNamespace};
use crate::network::{Network, NetworkError};
use crate::secret_file::SecretFile;

/// The number of digits in the word of a data loss.
const LOSS_WORD_DIGITS: usize = 8;

/// The word of a data loss.
impl SettingValue for String {
    const PLACEHOLDER: &'static str = "WORD";

    fn parse(text: &str, _: Range) -> Result<Self, String> {
        let is_word = text.len() == LOSS_WORD_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_word {
            Ok(text.to_ascii_lowercase())
        } else {
            Err(format!("expected the word of a data loss, {LOSS_WORD_DIGITS} hexadecimal digits"))
        }
    }

    fn show(&self, _: Range) -> String {
        quoted(self)
    }
}

impl SettingValue for bool {
    const PLACEHOLDER: &'static str = "true|false";
    const SHAPE: Shape = Shape::Switch;

    fn parse(text: &str, _: Range) -> Result<Self, String> {
        text.parse().map_err(|_| "expected true or false".into())
    }

    fn show(&self, _: Range) -> String {
        self.to_string()
    }
}

impl SettingValue for NatsServers {
    const PLACEHOLDER: &'static str = "URL,…";

    fn parse(text: &str, _: Range) -> Result<Self, String> {
        text.parse().map_err(|error: NatsServersError| error.to_string())
    }

    fn show(&self, _: Range) -> String {
        quoted(self)
    }
}

impl SettingValue for NatsMonitors {
    const PLACEHOLDER: &'static str = "http://HOST:PORT,…";

    fn parse(text: &str, _: Range) -> Result<Self, String> {
        text.parse().map_err(|error: NoMonitor| error.to_string())
    }

    fn show(&self, _: Range) -> String {
        quoted(self)
    }
}

impl SettingValue for Namespace {
    const PLACEHOLDER: &'static str = "NAME";

    fn parse(text: &str, _: Range) -> Result<Self, String> {
        text.parse().map_err(|error: NoNamespace| error.to_string())
    }

    fn show(&self, _: Range) -> String {
        quoted(self)
    }
}

impl SettingValue for ListenAddress {
    const PLACEHOLDER: &'static str = "HOST:PORT";

    fn parse(text: &str, _: Range) -> Result<Self, String> {
        text.parse().map_err(|error: NotAnAddress| error.to_string())
    }

    fn show(&self, _: Range) -> String {
        quoted(self)
    }
}

impl SettingValue for Endpoint {
    const PLACEHOLDER: &'static str = "PATH";

    fn parse(text: &str, _: Range) -> Result<Self, String> {
        text.parse().map_err(|error: EndpointError| error.to_string())
    }

    fn show(&self, _: Range) -> String {
        quoted(self)
    }
}

impl SettingValue for Filter {
    const PLACEHOLDER: &'static str = "FILTER";

    fn parse(text: &str, _: Range) -> Result<Self, String> {
        text.parse()
    }

    fn show(&self, _: Range) -> String {
        quoted(self)
    }
}

impl SettingValue for Format {
    const PLACEHOLDER: &'static str = "FORMAT";

    fn parse(text: &str, _: Range) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("expected text or json".into()),
        }
    }

    fn show(&self, _: Range) -> String {
        quoted(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

impl SettingValue for Origin {
    const PLACEHOLDER: &'static str = "https://HOST";

    fn parse(text: &str, range: Range) -> Result<Self, String> {
        let is_of_the_web = text.starts_with("http://") || text.starts_with("https://");
        match text.parse() {
            Ok(origin) if is_of_the_web || range != Range::Web => Ok(origin),
            _ if range == Range::Web => {
                Err("expected http:// or https://, a host, perhaps a port, and nothing else".into())
            }
            parsed => parsed.map_err(|error: InvalidOrigin| error.to_string()),
        }
    }

    fn show(&self, _: Range) -> String {
        quoted(self)
    }
}

impl SettingValue for PathBuf {
    const PLACEHOLDER: &'static str = "DIR";

    fn parse(text: &str, _: Range) -> Result<Self, String> {
        // No system allows a zero byte in a path.
        if text.is_empty() || text.contains('\0') {
            Err("expected the path of a directory".into())
        } else {
            Ok(text.into())
        }
    }

    fn show(&self, _: Range) -> String {
        quoted(self.display())
    }
}

/// Returns the path of a file, which no system allows to be empty or to have a zero byte.
fn file(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() || text.contains('\0') { Err("expected the path of a file".into()) } else { Ok(text.into()) }
}

impl SettingValue for NatsFile {
    const PLACEHOLDER: &'static str = "FILE";

    fn parse(text: &str, _: Range) -> Result<Self, String> {
        file(text).map(Self)
    }

    fn show(&self, _: Range) -> String {
        quoted(self)
    }
}

impl SettingValue for SecretFile {
    const PLACEHOLDER: &'static str = "FILE";

    fn parse(text: &str, _: Range) -> Result<Self, String> {
        file(text).map(Self)
    }

    fn show(&self, _: Range) -> String {
        quoted(self)
    }
}

impl SettingValue for Ack {
    const PLACEHOLDER: &'static str = "LEVEL";

    fn parse(text: &str, _: Range) -> Result<Self, String> {
        match text {
            "written" => Ok(Self::Written),
            "disk" => Ok(Self::Disk),
            _ => Err("expected written or disk".into()),
        }
    }

    fn show(&self, _: Range) -> String {
        quoted(self.word())
    }
}

impl SettingValue for Network {
    const PLACEHOLDER: &'static str = "ADDR[/BITS]";

    fn parse(text: &str, _: Range) -> Result<Self, String> {
        text.parse().map_err(|error: NetworkError| error.to_string())
    }

    fn show(&self, _: Range) -> String {
        quoted(self)
    }
}

impl SettingValue for HostName {
    const PLACEHOLDER: &'static str = "HOST";

    fn parse(text: &str, _: Range) -> Result<Self, String> {
        text.parse().map_err(|error: NotAHostName| error.to_string())
    }

    fn show(&self, _: Range) -> String {
        quoted(self)
    }
}
