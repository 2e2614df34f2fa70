//! Asks one sandbox, in a task of its own, so that one which does not answer delays no other.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    runtime::Handle,
    sync::{Semaphore, mpsc},
    task::AbortHandle,
};

use crate::{
    client::{Address, CallError, Client},
    reply::{self, Export, Registry, ReplyError},
};

/// Sandboxes that may be spoken to at once: bounds the memory that replies take.
pub const CALLS_AT_ONCE_MAX: usize = 16;

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Reply(#[from] ReplyError),
}

/// What to ask for, besides memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// How processor time divides among containers.
    pub usage: bool,
    /// The sentry's own metrics.
    pub metrics: bool,
}

/// One answer. What was not asked for, or is not known to this version, is `None`.
#[derive(Debug, Default)]
pub struct Answer {
    /// Nanoseconds of processor time by container.
    pub usage: Option<BTreeMap<String, u64>>,
    /// Memory of the apps inside, in bytes.
    pub memory: Option<u64>,
    pub metrics: Option<Export>,
    /// Why the rest of the answer is missing.
    pub error: Option<AskError>,
}

/// What all links share.
#[derive(Clone, Debug)]
pub struct Links {
    runtime: Handle,
    permits: Arc<Semaphore>,
}

impl Links {
    /// Tasks run on this runtime.
    pub fn new(runtime: Handle) -> Self {
        Self { runtime, permits: Arc::new(Semaphore::new(CALLS_AT_ONCE_MAX)) }
    }

    /// Starts the task that speaks to one sandbox; it connects when it is first asked.
    pub fn start(&self, sandbox: &str, sentry: u32, address: Address) -> Link {
        let (ask, questions) = mpsc::channel(1);
        let answer = Arc::new(Mutex::new(None));
        let form = match address {
            // Versions with a path take the name of a container, those before take nothing.
            Address::Path(_) => Form::Named,
            Address::Abstract(_) => Form::Empty,
        };
        let conversation = Conversation {
            sandbox: sandbox.to_owned(),
            sentry,
            address,
            form,
            client: None,
            registry: Known::NotAsked,
        };
        let permits = Arc::clone(&self.permits);
        let task = self.runtime.spawn(conversation.run(questions, Arc::clone(&answer), permits));
        Link { ask, answer, task: task.abort_handle() }
    }
}

/// A handle of one sandbox's task; dropping it ends the task and closes the connection.
#[derive(Debug)]
pub struct Link {
    ask: mpsc::Sender<Question>,
    answer: Arc<Mutex<Option<Answer>>>,
    task: AbortHandle,
}

impl Link {
    /// Asks, without waiting; false when the sandbox has not answered the last question yet.
    pub fn ask(&self, question: Question) -> bool {
        self.ask.try_send(question).is_ok()
    }

    /// The newest answer, once.
    pub fn answer(&self) -> Option<Answer> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What `containerManager.Event` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Empty,
    Named,
}

/// The metrics that a sandbox has registered.
#[derive(Debug)]
enum Known {
    NotAsked,
    /// This version has no such calls.
    Never,
    Yes(Registry),
}

struct Conversation {
    sandbox: String,
    sentry: u32,
    address: Address,
    form: Form,
    client: Option<Client>,
    registry: Known,
}

impl Conversation {
    /// Ends when nobody can ask any more.
    async fn run(
        mut self,
        mut questions: mpsc::Receiver<Question>,
        slot: Arc<Mutex<Option<Answer>>>,
        permits: Arc<Semaphore>,
    ) {
        while let Some(question) = questions.recv().await {
            let Ok(_permit) = permits.acquire().await else {
                return;
            };
            let mut answer = Answer::default();
            if let Err(error) = self.fill(question, &mut answer).await {
                // What is left on the connection belongs to nobody.
                self.client = None;
                answer.error = Some(error);
            }
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        }
    }

    async fn fill(&mut self, question: Question, answer: &mut Answer) -> Result<(), AskError> {
        if question.usage {
            answer.usage = Some(self.usage().await?);
        }
        let reply = self.call("Usage.Collect", r#"{"Full":false}"#).await?;
        answer.memory = Some(reply::memory(reply)?);
        if question.metrics {
            answer.metrics = self.metrics().await?;
        }
        Ok(())
    }

    async fn usage(&mut self) -> Result<BTreeMap<String, u64>, AskError> {
        let first = self.usage_in(self.form).await;
        let Err(AskError::Reply(ReplyError::Refused(why))) = &first else {
            return first;
        };
        if !why.contains("cannot unmarshal") {
            return first;
        }
        self.form = match self.form {
            Form::Empty => Form::Named,
            Form::Named => Form::Empty,
        };
        self.usage_in(self.form).await
    }

    async fn usage_in(&mut self, form: Form) -> Result<BTreeMap<String, u64>, AskError> {
        let argument = match form {
            Form::Empty => "{}".to_owned(),
            Form::Named => serde_json::Value::from(self.sandbox.as_str()).to_string(),
        };
        let reply = self.call("containerManager.Event", &argument).await?;
        Ok(reply::usage(reply)?)
    }

    async fn metrics(&mut self) -> Result<Option<Export>, AskError> {
        if matches!(self.registry, Known::NotAsked) {
            let reply = self.call("Metrics.GetRegisteredMetrics", "{}").await?;
            self.registry = match Registry::parse(reply) {
                Ok(registry) => Known::Yes(registry),
                Err(ReplyError::Refused(_)) => Known::Never,
                Err(error) => return Err(error.into()),
            };
        }
        if matches!(self.registry, Known::Never) {
            return Ok(None);
        }
        let Self { client: Some(client), registry: Known::Yes(registry), .. } = self else {
            return Ok(None);
        };
        let reply = client.call("Metrics.Export", r#"{"only_metrics":""}"#).await?;
        Ok(Some(registry.export(reply)?))
    }

    async fn call(&mut self, method: &str, argument: &str) -> Result<&[u8], CallError> {
        let client = match self.client.take() {
            Some(client) => client,
            None => Client::connect(&self.address, self.sentry).await?,
        };
        self.client.insert(client).call(method, argument).await
    }
}
