//! Everything the library says to `tracing`, at every level, as it was before any formatter could tame it.
//! Must not know what is looked for.

use std::cell::RefCell;
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use tokio::runtime::Runtime;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

thread_local! {
    static LISTENING: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
}

/// What was said, field by field.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overheard(Arc<Mutex<String>>);

impl Overheard {
    /// A runtime on whose threads everything is overheard, and nowhere else.
    pub(crate) fn runtime(&self) -> Runtime {
        let overheard = self.clone();
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .on_thread_start(move || {
                let listening = tracing_subscriber::registry().with(overheard.clone());
                LISTENING.set(Some(tracing::subscriber::set_default(listening)));
            })
            .on_thread_stop(|| LISTENING.set(None))
            .build()
            .unwrap()
    }

    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    fn note(&self, metadata: &Metadata<'_>, visit: impl FnOnce(&mut Note)) {
        if metadata.target().starts_with("rtbroadcaster") {
            let mut note = Note(format!("{} {} ", metadata.level(), metadata.name()));
            visit(&mut note);
            self.0.lock().unwrap().push_str(&(note.0 + "\n"));
        }
    }
}

impl<S: Subscriber> Layer<S> for Overheard {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.note(event.metadata(), |note| event.record(note));
    }

    fn on_new_span(&self, span: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        self.note(span.metadata(), |note| span.record(note));
    }

    fn on_record(&self, _: &Id, record: &Record<'_>, _: Context<'_, S>) {
        let mut note = Note::default();
        record.record(&mut note);
        self.0.lock().unwrap().push_str(&(note.0 + "\n"));
    }
}

#[derive(Default)]
struct Note(String);

impl Visit for Note {
    fn record_str(&mut self, field: &Field, value: &str) {
        // Not by `Debug`, which would escape what must not be there.
        write!(self.0, "{}={value} ", field.name()).unwrap();
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{}={value:?} ", field.name()).unwrap();
    }
}
