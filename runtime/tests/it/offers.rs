//! Servers of several plans, and clients that have to show a token.

use runtime::roles::client;
use runtime::roles::server::Tokens;
use runtime::{Client, ClientKey, Error, KeyBits, Plan, PlanName, Running, Server, Token};
use std::net::TcpListener;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

static KEY: LazyLock<ClientKey> =
    LazyLock::new(|| ClientKey::generate(KeyBits::default()).expect("randomness"));

fn plan() -> Plan {
    Plan::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/mnist-mlp.plan")).expect("a plan")
}

/// The same with another digest.
fn other() -> Plan {
    let salt = runtime::plan::Salt::new([5; 32]);
    Plan::new(runtime::plan::Plan { salt, ..plan().into_plan() }).expect("valid")
}

fn name(text: &str) -> PlanName {
    text.parse().expect("a name")
}

fn start(server: &Server) -> Running {
    server.start(TcpListener::bind("127.0.0.1:0").expect("a port")).expect("a thread")
}

fn client(running: &Running) -> runtime::ClientBuilder {
    Client::connect(running.address().to_string()).key(KEY.clone())
}

fn listed(running: &Running, token: Option<Token>) -> Result<Vec<String>, Error> {
    let address = running.address().to_string();
    let connection = runtime::channel::tcp::connect(&address, Duration::from_secs(60)).expect("a connection");
    Ok(client::plans(connection, token)?
        .into_iter()
        .map(|plan| format!("{} {}", plan.name, plan.id))
        .collect())
}

/// What the server says to a client that it does not serve.
fn refusal(outcome: Result<Client, Error>) -> String {
    match outcome.map(drop) {
        Err(Error::Refused(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_of_several_plans_is_asked_for_by_name_or_digest() {
    let plans = vec![(name("plain"), plan()), (name("salted"), other())];
    let server = Server::builder_of(plans).build().expect("a server");
    let running = start(&server);
    let [plain, salted] = [plan().id(), other().id()];
    assert_ne!(plain, salted);
    for (builder, expected) in [
        (client(&running).plan_called(name("plain")), plain),
        (client(&running).plan_called(name("salted")), salted),
        (client(&running).plan(salted), salted),
        (client(&running).plan_called(name("plain")).plan(plain), plain),
    ] {
        assert_eq!(builder.open().expect("a session").plan().id, expected);
    }
    assert_eq!(
        refusal(client(&running).open()),
        "it does not offer the only plan, but plain, salted; name one"
    );
    assert!(refusal(client(&running).plan_called(name("none")).open()).contains("does not offer plan none"));
    let pinned = client(&running).plan_called(name("plain")).plan(salted).open().map(drop);
    assert!(
        matches!(pinned, Err(Error::PeerMisbehaved(_))),
        "another plan than the expected one: {pinned:?}"
    );
    assert_eq!(
        listed(&running, None).expect("a list"),
        [format!("plain {plain}"), format!("salted {salted}")]
    );
}

/// Sessions go on with the plan that they began with.
#[test]
fn plans_are_replaced_while_clients_are_served() {
    let server = Server::builder_of(vec![(name("net"), plan())]).build().expect("a server");
    let running = start(&server);
    let mut before = client(&running).open().expect("a session");
    server.replace(vec![(name("net"), other())]).expect("replaced");
    let twice = vec![(name("net"), plan()), (name("net"), plan())];
    assert!(
        server.replace(twice).is_err_and(|error| error.to_string().contains("two of them are called net"))
    );
    assert!(server.replace(Vec::new()).is_err());
    assert_eq!(before.infer(&[0.0; 784]).expect("an answer").logits.len(), 10);
    assert_eq!(before.plan().id, plan().id());
    assert_eq!(client(&running).open().expect("a session").plan().id, other().id());
}

#[test]
fn clients_show_their_tokens() {
    let [ours, unknown] = [1, 2].map(|byte| Token::from_bytes([byte; 32]));
    let tokens = |token: &Token| Tokens::parse(&format!("alice {}\n", token.hash())).expect("tokens");
    let server = Server::builder(plan()).tokens(tokens(&ours)).build().expect("a server");
    let running = start(&server);
    client(&running).token(ours.clone()).open().expect("a session");
    assert!(refusal(client(&running).open()).contains("it shows no token"));
    assert!(refusal(client(&running).token(unknown.clone()).open()).contains("its token is not known"));
    assert!(listed(&running, None).is_err() && listed(&running, Some(ours.clone())).is_ok());
    server.set_tokens(Some(tokens(&unknown)));
    assert!(refusal(client(&running).token(ours).open()).contains("its token is not known"));
    client(&running).token(unknown).open().expect("a session");
    server.set_tokens(None);
    client(&running).open().expect("a session");
}
