//! Answers of the router's own: refusals, endpoint failures, requests that could not be read.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use pointsman_http1::{BodyLength, InvalidField, Known, KnownSet, Name, Refused, reason_phrase};

use super::reason::{Reason, RouterError};
use super::refusal::TEXT;
use super::{Desk, Ending, Journey, Refusal, instance};
use crate::deadlines::Deadline;
use crate::downstream::{Exchange, Outgoing};
use crate::error_page::{ErrorPage, Shown};
use crate::worker::Worker;

/// The type of pages (D-106).
const HTML: &str = "text/html; charset=utf-8";

/// What the answer says beside its body, which stands on the desk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) router_error: Option<RouterError>,
    pub(super) cache_control: Option<&'static str>,
    /// More of the field list: what one status needs and others do not.
    pub(super) extra: Option<(&'static str, &'static str)>,
    /// The type of the body, where it is told.
    pub(super) content_type: Option<&'static str>,
}

/// Why a connection's bytes did not become a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unread {
    /// They are no request that may be forwarded.
    Refused(Refused),
    /// Its head came too slowly (L-05).
    TooSlow,
}

/// Answers what could not be read, and records it. The connection ends afterwards.
pub(crate) async fn answer_refused(
    worker: &Rc<Worker>,
    exchange: &mut Exchange<'_>,
    desk: &mut Desk,
    deadline: &Deadline,
    unread: Unread,
) {
    let mut journey = Journey::new(worker, exchange, desk, deadline);
    let ending = journey.refuse_unread(unread).await;
    journey.record(ending);
}

impl Journey<'_, '_> {
    /// Answers without having tried an endpoint.
    pub(super) async fn refuse(&mut self, refusal: Refusal) -> Ending {
        if refusal == Refusal::Overloaded {
            self.worker.counters.overloaded.increment();
        }
        self.desk.text.clear();
        let (request, text) = (&*self.exchange.request, &mut self.desk.text);
        match refusal {
            Refusal::UnknownInstance => {
                instance::write_unknown(request.fields(), request.authority(), text);
            }
            _ => refusal.write_body(request.authority(), text),
        }
        let mut answer = Answer {
            status: refusal.status(),
            router_error: refusal.router_error(),
            cache_control: refusal.cache_control(),
            extra: refusal.extra(),
            content_type: refusal.content_type(),
        };
        if let Some(page) = &self.worker.settings.error_page
            && refusal.has_page()
        {
            let content_type = put_page(page, answer, &mut self.desk.text);
            answer.content_type = Some(content_type);
        }
        self.send_own(answer).await
    }

    /// Answers after the last attempt has failed.
    pub(super) async fn fail(&mut self, reason: Reason) -> Ending {
        let status = reason.status(&self.worker.settings.headers);
        if let Some(counter) = reason.counter(status, &self.worker.counters) {
            counter.increment();
        }
        if matches!(reason, Reason::ClientGone | Reason::ClientStalled) {
            self.record.status = status;
            self.record.router_error = Some(reason.router_error(status));
            return Ending::Gone;
        }
        self.desk.text.clear();
        self.desk
            .text
            .extend_from_slice(reason.body(status).as_bytes());
        self.desk.text.push(b'\n');
        self.send_own(Answer {
            status,
            router_error: Some(reason.router_error(status)),
            cache_control: None,
            extra: None,
            content_type: Some(TEXT),
        })
        .await
    }

    /// Answers bytes that did not become a request.
    async fn refuse_unread(&mut self, unread: Unread) -> Ending {
        let (status, word, text) = match unread {
            Unread::Refused(refused) => {
                self.worker.counters.malformed_requests.increment();
                (refused.status(), refused.router_error(), refused.text())
            }
            Unread::TooSlow => {
                self.worker.counters.request_timeouts.increment();
                (408, "request_timeout", "request head came too slowly")
            }
        };
        let phrase = reason_phrase(status).unwrap_or_default();
        self.desk.text.clear();
        for part in [phrase, ": ", text, "\n"] {
            if self.desk.text.is_empty() {
                crate::decimal::push(&mut self.desk.text, status.into());
                self.desk.text.push(b' ');
            }
            self.desk.text.extend_from_slice(part.as_bytes());
        }
        let allow = (status == 405).then_some((
            "Allow",
            "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE",
        ));
        self.send_own(Answer {
            status,
            router_error: Some(RouterError::Plain(word)),
            // As where the host is the client's own address (D-192, D-193).
            cache_control: Some(if word == "empty_host" {
                "public,max-age=2"
            } else {
                "no-cache, no-store"
            }),
            extra: allow,
            content_type: Some(TEXT),
        })
        .await
    }

    /// Sends an answer whose body stands on the desk.
    pub(super) async fn send_own(&mut self, answer: Answer) -> Ending {
        self.record.status = answer.status;
        self.record.router_error = answer.router_error;
        // What has arrived of a small body needs not cost the connection.
        self.exchange.skip_arrived_body();
        if self.write_own(answer).is_err() {
            return Ending::Gone;
        }
        let stall = self.worker.settings.timeouts.client_stall;
        self.deadline.set_after(stall);
        let Self {
            exchange,
            desk,
            deadline,
            ..
        } = self;
        let mut put = 0;
        poll_fn(|cx| {
            while let Some(rest @ [_, ..]) = desk.text.get(put..) {
                match exchange.poll_put(cx, rest) {
                    Poll::Ready(Ok(count)) => put += count,
                    Poll::Ready(Err(_)) => return Poll::Ready(Ending::Gone),
                    Poll::Pending => break,
                }
            }
            let ended = put >= desk.text.len();
            match exchange.poll_flush(cx) {
                Poll::Ready(Ok(())) if ended => Poll::Ready(Ending::Complete),
                Poll::Ready(Err(_)) => Poll::Ready(Ending::Gone),
                _ if deadline.passed() => Poll::Ready(Ending::Gone),
                _ => Poll::Pending,
            }
        })
        .await
    }

    fn write_own(&mut self, answer: Answer) -> Result<(), InvalidField> {
        let Desk { response, text, .. } = &mut *self.desk;
        response.reset(answer.status);
        response.set_body(BodyLength::Exact(text.len() as u64));
        let fields = response.fields_mut();
        if let Some(error) = answer.router_error {
            let mut value = Vec::new();
            error.write(&mut value);
            fields.push(Known::XCfRouterError, &value)?;
        }
        if let Some(cache_control) = answer.cache_control {
            fields.push(Known::CacheControl, cache_control.as_bytes())?;
        }
        if let Some((name, value)) = answer.extra {
            fields.push(Name::from(name), value.as_bytes())?;
        }
        if let Some(content_type) = answer.content_type.filter(|_| !text.is_empty()) {
            fields.push(Known::ContentType, content_type.as_bytes())?;
            fields.push(Known::XContentTypeOptions, b"nosniff")?;
        }
        if let Some(rewrite) = &self.worker.settings.headers.rewrite {
            rewrite.apply(fields)?;
        }
        let body = response.body(self.exchange.request.method());
        if body.is_empty() {
            text.clear();
        }
        let date = self.worker.date.borrow();
        let how = Outgoing {
            body,
            date: &date,
            without: KnownSet::EMPTY,
            with: &[],
            trailed: false,
        };
        self.exchange.answer(response, &how)
    }
}

/// Puts a page in the place of a text, which is `{status} {phrase}: {message}` and a line end, and answers its type. A
/// page that cannot be made leaves the text, without its line end (D-105).
fn put_page(page: &ErrorPage, answer: Answer, text: &mut Vec<u8>) -> &'static str {
    let status_text = reason_phrase(answer.status).unwrap_or_default();
    let plain = std::mem::take(text);
    let plain = plain.strip_suffix(b"\n").unwrap_or(&plain);
    let message = plain.get("404 : ".len() + status_text.len()..);
    let mut error = Vec::new();
    if let Some(router_error) = answer.router_error {
        router_error.write(&mut error);
    }
    let cache_control = answer.cache_control.unwrap_or_default();
    let (name, value) = answer.extra.unwrap_or_default();
    let shown = Shown {
        status: answer.status,
        status_text,
        message: message.unwrap_or_default(),
        header: &[
            (Known::XCfRouterError.as_str(), &error),
            (Known::CacheControl.as_str(), cache_control.as_bytes()),
            (name, value.as_bytes()),
        ],
    };
    match page.render(&shown, text) {
        Ok(()) => HTML,
        Err(_) => {
            text.extend_from_slice(plain);
            TEXT
        }
    }
}
