//! A session that answers calls with their arguments.

use anyhow::{Context, Result};
use tokio::task::JoinSet;

use super::code;
use super::router::Router;
use super::session::{Session, shown};
use super::text::{args, head};

/// Lets so many sessions share the procedures and serve them, until the tasks are dropped.
pub(super) async fn serve(
    router: &Router,
    sessions: usize,
    procedures: &[String],
) -> Result<JoinSet<Result<()>>> {
    let mut tasks = JoinSet::new();
    for share in procedures.chunks(procedures.len().div_ceil(sessions).max(1)) {
        let mut session = Session::join(router).await?;
        session.register(share).await?;
        tasks.spawn(answer(session));
    }
    Ok(tasks)
}

/// Answers all that has come with one write.
async fn answer(mut session: Session) -> Result<()> {
    let mut answers = String::new();
    loop {
        let mut text = session.socket.receive().await?;
        loop {
            answers.clear();
            push_yield(&mut answers, text).with_context(|| {
                format!("`{}` is not an invocation with arguments", shown(text))
            })?;
            session.push(&answers);
            match session.socket.received()? {
                Some(next) => text = next,
                None => break,
            }
        }
    }
}

/// Writes the answer to an INVOCATION.
fn push_yield(answer: &mut String, text: &[u8]) -> Option<()> {
    let (code::INVOCATION, request) = head(text)? else { return None };
    let args = std::str::from_utf8(args(text)?).ok()?;
    answer.push_str(&format!("[70,{request},{{}},{args}]"));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invocation_is_answered_with_its_arguments() {
        let mut answer = String::new();
        push_yield(&mut answer, b"[68,5,9,{},[7]]").unwrap();
        assert_eq!(answer, "[70,5,{},[7]]");
        assert!(push_yield(&mut answer, b"[36,5,9,{},[7]]").is_none());
    }
}
