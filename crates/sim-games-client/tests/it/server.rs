//! A server that replays recorded answers.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use sim_games_client::{Client, Retry};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const RESOURCES: &str = include_str!("../data/resources.json");
const SERVICE_START: &str = include_str!("../data/service-start.json");

/// One recorded request and its answer.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Exchange {
    pub(crate) request: Asked,
    pub(crate) response: Answered,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: Value,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) link: Option<String>,
}

/// All recorded exchanges.
pub(crate) fn recorded() -> Vec<Exchange> {
    [RESOURCES, SERVICE_START]
        .iter()
        .flat_map(|text| serde_json::from_str::<Vec<Exchange>>(text).unwrap())
        .collect()
}

/// The first recorded exchange with this method, path and status.
pub(crate) fn exchange(method: &str, path: &str, status: u16) -> Exchange {
    let is_it = |it: &Exchange| {
        (it.request.method.as_str(), it.request.path.as_str(), it.response.status)
            == (method, path, status)
    };
    recorded().into_iter().find(is_it).unwrap_or_else(|| panic!("{method} {path} {status}"))
}

impl Exchange {
    /// The answer; links lead to the given server instead of the recorded one.
    pub(crate) fn answer(&self, server: &MockServer) -> ResponseTemplate {
        let template = ResponseTemplate::new(self.response.status);
        let template = match &self.response.body {
            Value::String(text) => template.set_body_string(text.clone()),
            body => template.set_body_json(body),
        };
        match &self.response.link {
            Some(link) => {
                template.insert_header("Link", link.replace("http://127.0.0.1:8100", &server.uri()))
            }
            None => template,
        }
    }

    /// Mounts the answer for this request with its query.
    pub(crate) async fn mount(&self, server: &MockServer) {
        answer(server, &self.request.method, &self.request.path, self.answer(server)).await;
    }
}

/// Answers this request; the query is compared as text, so that the order of filters counts.
pub(crate) async fn answer(
    server: &MockServer,
    verb: &str,
    path_and_query: &str,
    template: ResponseTemplate,
) {
    let wanted = path_and_query.to_owned();
    let is_it = move |request: &Request| path_of(request) == wanted;
    Mock::given(method(verb)).and(is_it).respond_with(template).mount(server).await;
}

/// Answers this request once; the next such request meets what is mounted after it.
pub(crate) async fn answer_once(
    server: &MockServer,
    verb: &str,
    path_and_query: &str,
    template: ResponseTemplate,
) {
    let wanted = path_and_query.to_owned();
    let is_it = move |request: &Request| path_of(request) == wanted;
    Mock::given(method(verb))
        .and(is_it)
        .respond_with(template)
        .up_to_n_times(1)
        .mount(server)
        .await;
}

fn path_of(request: &Request) -> String {
    request.url[url::Position::BeforePath..].to_owned()
}

/// Starts a server that answers these exchanges.
pub(crate) async fn replaying(exchanges: &[Exchange]) -> MockServer {
    let server = MockServer::start().await;
    for exchange in exchanges {
        exchange.mount(&server).await;
    }
    server
}

/// Method and path of every request that the server got.
pub(crate) async fn requests(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    requests.iter().map(|it| format!("{} {}", it.method, path_of(it))).collect()
}

/// A retry that does not hold up the tests.
pub(crate) const QUICK: Retry = Retry {
    times: 3,
    first_pause: Duration::from_millis(1),
    longest_pause: Duration::from_millis(2),
};

/// A client of the server, authenticated as staff.
pub(crate) fn client(server: &MockServer) -> Client {
    Client::builder(format!("{}/apis", server.uri()))
        .basic("simpl@simpl.world", "geheim")
        .retry(QUICK)
        .build()
        .unwrap()
}
