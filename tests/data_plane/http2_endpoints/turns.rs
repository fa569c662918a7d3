//! Endpoints that say more than anybody asked for.

use pointsman_tests::Authority;

use super::frames::{Connection, DATA, END_HEADERS, HEADERS, STATUS_200};
use super::refusals::frames;
use super::trusting;
use crate::support::{Plane, head};

const SWITCHING: &[u8] = &[0x08, 3, b'1', b'0', b'1'];
const HINT: &[u8] = &[0x08, 3, b'1', b'0', b'3'];

/// Frames that are sent at once.
fn many(kind: u8, stream: u32, payload: &[u8], count: usize) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("a short frame");
    let mut frame = vec![0, 0, length, kind, END_HEADERS];
    if kind == DATA {
        frame[4] = 0;
    }
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame.repeat(count)
}

/// The next request on this connection is answered as it should be.
async fn goes_on(plane: &Plane, connection: &mut Connection) {
    let answered = async {
        let stream = connection.request().await;
        connection.answer(stream, "next").await;
    };
    let (answer, ()) = tokio::join!(plane.get("/next"), answered);
    assert_eq!(answer.body, b"next");
}

/// over HTTP/2 nothing is switched: an answer that does is none, and its connection goes on.
#[tokio::test]
async fn an_answer_that_switches_is_none() {
    let authority = Authority::new("authority");
    let frames = frames(&authority).await;
    let plane = trusting(&authority).http2(frames.address()).start();
    let mut client = plane.connect().await;
    client.write(head("GET /", &[]).as_bytes()).await;
    let mut endpoint = frames.accept(&[]).await;
    let stream = endpoint.request().await;
    endpoint.send(HEADERS, END_HEADERS, stream, SWITCHING).await;
    assert_eq!(client.read_answer().await.status, 502);
    goes_on(&plane, &mut endpoint).await;
    assert_eq!(plane.totals().dials, 1);
}

/// L-26: of interim heads without end eight pass; the request fails, and the others on the connection do not notice.
#[tokio::test]
async fn interim_heads_without_end_are_given_up() {
    let authority = Authority::new("authority");
    let frames = frames(&authority).await;
    let plane = trusting(&authority).http2(frames.address()).start();
    let mut client = plane.connect().await;
    client.write(head("GET /", &[]).as_bytes()).await;
    let mut endpoint = frames.accept(&[]).await;
    let stream = endpoint.request().await;
    endpoint
        .send_bytes(&many(HEADERS, stream, HINT, 50_000))
        .await;
    let mut hints = 0;
    loop {
        match client.read_head().await.status {
            103 => hints += 1,
            status => break assert_eq!(status, 502),
        }
    }
    assert!(hints <= 8, "{hints}");
    goes_on(&plane, &mut endpoint).await;
}

/// frames of data without data end their connection in the end, and nobody waits for it.
#[tokio::test]
async fn data_without_data_ends_its_connection() {
    let authority = Authority::new("authority");
    let frames = frames(&authority).await;
    let plane = trusting(&authority).http2(frames.address()).start();
    let mut client = plane.connect().await;
    client.write(head("GET /", &[]).as_bytes()).await;
    let mut endpoint = frames.accept(&[]).await;
    let stream = endpoint.request().await;
    endpoint
        .send(HEADERS, END_HEADERS, stream, STATUS_200)
        .await;
    client.read_head().await;
    // The system may take all of it before it is told.
    let _taken = endpoint.send_bytes(&many(DATA, stream, b"", 200_000)).await;
    while endpoint.next().await.is_some() {}
    let rest = client.read_to_end().await;
    assert!(!rest.ends_with(b"0\r\n\r\n"), "{rest:?}");
    let (endpoint, answer) = tokio::join!(
        async {
            let mut endpoint = frames.accept(&[]).await;
            let stream = endpoint.request().await;
            endpoint.answer(stream, "next").await;
            endpoint
        },
        plane.get("/next")
    );
    assert_eq!(answer.body, b"next");
    drop(endpoint);
}
