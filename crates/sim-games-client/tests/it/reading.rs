//! Reading single objects, collections and their pages.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sim_games_client::{Client, Error};
use sim_games_types::{
    Decision, Game, Hook, Lookup, Object, Period, Phase, Result as PeriodResult, Role, Run,
    RunUser, Scenario, User, World,
};
use wiremock::matchers::{header, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::server::{answer, client, exchange, recorded, replaying, requests};

/// Reads every recorded list and object of a resource and compares what is left of it.
async fn check_recorded<T: Object>() -> usize {
    let collection = format!("/apis/{}/", T::RESOURCE.collection());
    let of_resource = recorded().into_iter().filter(|it| {
        it.request.method == "GET"
            && it.request.path.starts_with(&collection)
            && it.response.status == 200
            && it.response.link.is_none()
    });
    let mut count = 0;
    for exchange in of_resource {
        let server = replaying(std::slice::from_ref(&exchange)).await;
        let (path, query) =
            exchange.request.path.split_once('?').unwrap_or((&exchange.request.path, ""));
        let key = path.trim_start_matches(&collection).trim_end_matches('/');
        let read = if key.is_empty() {
            let lookup = query.split('&').filter_map(|pair| pair.split_once('='));
            let lookup = lookup.fold(Lookup::new(), |all, (name, value)| all.with(name, value));
            json!(client(&server).endpoint::<T>().filter(&lookup).await.unwrap())
        } else {
            json!(client(&server).endpoint::<T>().get(key).await.unwrap())
        };
        assert_eq!(read, exchange.response.body, "{}", exchange.request.path);
        count += 1;
    }
    count
}

#[tokio::test]
async fn every_resource_is_read_without_loss() {
    assert!(check_recorded::<Game>().await >= 3);
    assert!(check_recorded::<Phase>().await >= 3);
    assert!(check_recorded::<Role>().await >= 3);
    assert!(check_recorded::<Run>().await >= 3);
    assert!(check_recorded::<World>().await >= 3);
    assert!(check_recorded::<RunUser>().await >= 3);
    assert!(check_recorded::<Scenario>().await >= 3);
    assert!(check_recorded::<Period>().await >= 3);
    assert!(check_recorded::<Decision>().await >= 3);
    assert!(check_recorded::<PeriodResult>().await >= 3);
    assert!(check_recorded::<User>().await >= 3);
    assert!(check_recorded::<Hook>().await >= 2);
}

#[tokio::test]
async fn accessors_lead_to_their_collections() {
    let server = MockServer::start().await;
    let empty = ResponseTemplate::new(200).set_body_json(json!([]));
    Mock::given(method("GET")).respond_with(empty).mount(&server).await;
    let client = client(&server);

    client.games().list().await.unwrap();
    client.phases().list().await.unwrap();
    client.roles().list().await.unwrap();
    client.runs().list().await.unwrap();
    client.worlds().list().await.unwrap();
    client.runusers().list().await.unwrap();
    client.scenarios().list().await.unwrap();
    client.periods().list().await.unwrap();
    client.decisions().list().await.unwrap();
    client.results().list().await.unwrap();
    client.users().list().await.unwrap();
    client.hooks().list().await.unwrap();

    let asked: BTreeSet<_> = requests(&server).await.into_iter().collect();
    let expected =
        sim_games_types::Resource::ALL.map(|it| format!("GET /apis/{}/", it.collection()));
    assert_eq!(asked, BTreeSet::from(expected));
}

#[tokio::test]
async fn pages_are_followed_to_the_last() {
    let pages = ["?page_size=2", "?page_size=2&page=2"]
        .map(|query| exchange("GET", &format!("/apis/users/{query}"), 200));
    let server = replaying(&pages[..1]).await;
    // The recorded links write the filters in another order than the recorded requests.
    let second = pages[1].answer(&server);
    answer(&server, "GET", "/apis/users/?page=2&page_size=2", second).await;
    let third = json!([{"id": 9, "email": "z@div.edu"}]);
    let third = ResponseTemplate::new(200).set_body_json(third);
    answer(&server, "GET", "/apis/users/?page=3&page_size=2", third).await;

    let lookup = Lookup::new().with("page_size", 2);
    let users = client(&server).users().filter(&lookup).await.unwrap();

    let pks: Vec<_> = users.iter().map(|user| user.id.0).collect();
    let recorded = |page: usize, at: usize| pages[page].response.body[at]["id"].as_i64().unwrap();
    let expected = [recorded(0, 0), recorded(0, 1), recorded(1, 0), recorded(1, 1), 9];
    assert_eq!(pks, expected);
    assert_eq!(requests(&server).await.len(), 3);
}

/// A page of users whose next page is the given one.
fn page_to(next: &str) -> ResponseTemplate {
    ResponseTemplate::new(200)
        .set_body_json(json!([]))
        .insert_header("Link", format!("<{next}>; rel=\"next\"").as_str())
}

#[tokio::test]
async fn a_circle_of_pages_is_an_error() {
    let server = MockServer::start().await;
    answer(&server, "GET", "/apis/users/", page_to("/apis/users/?page=2")).await;
    answer(&server, "GET", "/apis/users/?page=2", page_to("?page=3")).await;
    answer(&server, "GET", "/apis/users/?page=3", page_to("/apis/users/?page=2")).await;

    let error = client(&server).users().list().await.unwrap_err();
    assert_eq!(error.to_string(), "GET /apis/users/?page=3: the pages lead in a circle");
    assert_eq!(requests(&server).await.len(), 3);
}

#[tokio::test]
async fn a_page_at_another_server_is_not_asked_for() {
    let (server, other) = (MockServer::start().await, MockServer::start().await);
    let next = format!("{}/apis/users/?page=2", other.uri());
    answer(&server, "GET", "/apis/users/", page_to(&next)).await;

    let error = client(&server).users().list().await.unwrap_err();
    assert!(matches!(error, Error::Pages { .. }), "{error}");
    assert!(requests(&other).await.is_empty());
}

#[tokio::test]
async fn find_wants_exactly_one() {
    let server = replaying(&[exchange("GET", "/apis/roles/", 200)]).await;
    let none = ResponseTemplate::new(200).set_body_json(json!([]));
    answer(&server, "GET", "/apis/roles/?slug=dd", none).await;
    let roles = client(&server).roles();

    let error = roles.find(&Lookup::new().with("slug", "dd")).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    assert_eq!(error.to_string(), "GET /apis/roles/?slug=dd: nothing matches");

    let error = roles.find(&Lookup::new()).await.unwrap_err();
    assert!(matches!(error, Error::MultipleFound { count, .. } if count > 1), "{error}");
}

#[tokio::test]
async fn a_look_up_by_key_asks_for_the_object() {
    let game = exchange("GET", "/apis/games/xg/", 200);
    let role = exchange("GET", "/apis/roles/3/", 200);
    let server = replaying(&[game, role]).await;
    let client = client(&server);

    let game = client.games().find(&Lookup::new().with("slug", "xg")).await.unwrap();
    assert_eq!(game.slug, "xg");
    let role = client.roles().find(&Lookup::new().with("id", 3)).await.unwrap();
    assert_eq!(role.id.0, 3);
}

#[tokio::test]
async fn a_filter_by_a_row_that_is_gone_matches_nothing() {
    let refused = exchange("GET", "/apis/roles/?game=99999", 400);
    let server = replaying(&[refused]).await;
    let lookup = Lookup::new().with("game", 99999);

    assert!(client(&server).roles().filter(&lookup).await.unwrap().is_empty());
    let error = client(&server).roles().find(&lookup).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
}

#[tokio::test]
async fn filters_are_escaped() {
    let server = MockServer::start().await;
    let empty = ResponseTemplate::new(200).set_body_json(json!([]));
    Mock::given(method("GET")).respond_with(empty).mount(&server).await;
    let lookup = Lookup::new().with("name", "World 1 & more").with("email", "a+b@div.edu");
    client(&server).worlds().filter(&lookup).await.unwrap();
    assert_eq!(
        requests(&server).await,
        ["GET /apis/worlds/?name=World+1+%26+more&email=a%2Bb%40div.edu"]
    );
}

#[tokio::test]
async fn a_key_that_would_leave_the_collection_is_not_sent() {
    let server = MockServer::start().await;
    for key in ["", "..", "a/b", "a?b", "a b"] {
        let error = client(&server).games().get(key).await.unwrap_err();
        assert!(matches!(error, Error::Key { .. }), "{key}");
    }
    assert!(requests(&server).await.is_empty());
}

#[tokio::test]
async fn both_kinds_of_credentials_are_sent() {
    let server = MockServer::start().await;
    let empty = ResponseTemplate::new(200).set_body_json(json!([]));
    for authorization in ["Basic c2ltcGxAc2ltcGwud29ybGQ6Z2VoZWlt", "Token 0123abcd"] {
        Mock::given(method("GET"))
            .and(header("Authorization", authorization))
            .respond_with(empty.clone())
            .expect(1)
            .mount(&server)
            .await;
    }
    client(&server).games().list().await.unwrap();
    let url = format!("{}/apis/", server.uri());
    let by_token = Client::builder(url).token("0123abcd").build().unwrap();
    by_token.games().list().await.unwrap();
}

#[tokio::test]
async fn errors_carry_request_status_and_the_apis_words() {
    let cases = [
        ("/apis/games/", 401, "Invalid username/password. (status 401)"),
        ("/apis/hooks/", 403, "You do not have permission to perform this action. (status 403)"),
        ("/apis/games", 301, "redirected to"),
    ];
    for (path, status, words) in cases {
        let recorded = exchange("GET", path, status);
        let server = MockServer::start().await;
        let asked = if path.ends_with('/') { path.to_owned() } else { format!("{path}/") };
        answer(&server, "GET", &asked, recorded.answer(&server)).await;
        let error = match asked.as_str() {
            "/apis/hooks/" => client(&server).hooks().list().await.unwrap_err(),
            _ => client(&server).games().list().await.unwrap_err(),
        };
        let text = error.to_string();
        assert!(text.starts_with(&format!("GET {asked}: {words}")), "{text}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_the_promised_json_is_an_error() {
    let server = MockServer::start().await;
    for (slug, body) in [("a", json!({"id": 1})), ("b", Value::from("hello"))] {
        let template = ResponseTemplate::new(200).set_body_json(body);
        answer(&server, "GET", &format!("/apis/games/{slug}/"), template).await;
        let error = client(&server).games().get(slug).await.unwrap_err();
        assert!(matches!(error, Error::Decode { .. }), "{error}");
    }
}
