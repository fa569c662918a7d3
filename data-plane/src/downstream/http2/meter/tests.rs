use super::*;
use crate::downstream::http2::frames::kind::{
    CONTINUATION, DATA, HEADERS, PING, PRIORITY, RST_STREAM, WINDOW_UPDATE,
};

const UNKNOWN: u8 = 77;

const BUDGETS: Budgets = Budgets {
    resets: 30,
    errors: 5,
    control: 50,
    answered: 10,
    continuations: 3,
};

fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame");
    let mut bytes = length.to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags, 0, 0, 0, 1]);
    bytes.extend(payload);
    bytes
}

fn seconds(seconds: u64) -> Tick {
    Tick::START.after(Duration::from_secs(seconds))
}

/// A connection whose preface and settings have come.
fn begun() -> Meter {
    let mut meter = Meter::new(BUDGETS);
    let mut bytes = PREFACE.to_vec();
    bytes.extend(frame(kind::SETTINGS, 0, &[]));
    meter.receive(&bytes, seconds(1)).expect("a beginning");
    meter
}

/// How many of these frames pass, up to a thousand.
fn passes(meter: &mut Meter, bytes: &[u8], now: Tick) -> Result<usize, (usize, Excess)> {
    for count in 0..1000 {
        meter
            .receive(bytes, now)
            .map_err(|excess| (count, excess))?;
    }
    Ok(1000)
}

/// SETTINGS and PING, which have to be answered, have a budget of their own.
/// priorities, windows and what nobody knows have one together.
/// so have frames of data without data, padding or not.
#[test]
fn frames_without_progress_have_a_budget() {
    for (bytes, most) in [
        (frame(kind::SETTINGS, 0, &[]), BUDGETS.answered - 1),
        (frame(PING, 0, &[0; 8]), BUDGETS.answered - 1),
        (frame(PING, flag::ACK, &[0; 8]), BUDGETS.control - 1),
        (frame(PRIORITY, 0, &[0; 5]), BUDGETS.control - 1),
        (frame(WINDOW_UPDATE, 0, &[0, 0, 0, 1]), BUDGETS.control - 1),
        (frame(UNKNOWN, 0, b"abc"), BUDGETS.control - 1),
        (frame(DATA, 0, &[]), BUDGETS.control - 1),
        (frame(DATA, flag::PADDED, &[2, 0, 0]), BUDGETS.control - 1),
    ] {
        let most = usize::try_from(most).expect("a number");
        let passed = passes(&mut begun(), &bytes, seconds(2));
        assert_eq!(passed, Err((most, Excess::Control)), "{bytes:?}");
    }
    let mut meter = begun();
    let ping = frame(PING, 0, &[0; 8]);
    for second in 0..100 {
        let now = seconds(2 + 11 * second);
        for _ in 0..8 {
            meter.receive(&ping, now).expect("one at a time");
        }
    }
}

/// L-19: what passes beside content is paid for by it.
#[test]
fn content_pays_for_control() {
    let window = frame(WINDOW_UPDATE, 0, &[0, 0, 0, 1]);
    let ping = frame(PING, 0, &[0; 8]);
    let data = frame(DATA, 0, b"a");
    let (mut taking, mut giving) = (begun(), begun());
    for _ in 0..1000 {
        for _ in 0..2 {
            taking
                .receive(&window, seconds(2))
                .expect("it takes an answer");
        }
        taking
            .receive(&ping, seconds(2))
            .expect("it asks for the distance");
        taking.send(&data).expect("data");
        giving
            .receive(&ping, seconds(2))
            .expect("it asks for the distance");
        giving.receive(&data, seconds(2)).expect("it sends a body");
    }
    assert_eq!(passes(&mut begun(), &data, seconds(2)), Ok(1000));
    let end = frame(DATA, flag::END_STREAM, &[]);
    assert_eq!(passes(&mut begun(), &end, seconds(2)), Ok(1000));
}

/// a client may reset so many of its streams within half a minute.
#[test]
fn resets_have_a_budget() {
    let reset = frame(RST_STREAM, 0, &[0, 0, 0, 8]);
    let mut meter = begun();
    for _ in 0..30 {
        meter
            .receive(&reset, seconds(2))
            .expect("within the budget");
    }
    for _ in 0..30 {
        meter
            .receive(&reset, seconds(40))
            .expect("within another window");
    }
    assert_eq!(meter.receive(&reset, seconds(60)), Err(Excess::Resets));
    assert_eq!(Excess::Resets.reason(), Reason::ENHANCE_YOUR_CALM);
}

/// resets that a client makes us send count in the life of its connection; those of exchanges that came to
/// nothing do not.
#[test]
fn our_resets_have_a_budget() {
    let reset = |reason: Reason| frame(RST_STREAM, 0, &u32::from(reason).to_be_bytes());
    let mut meter = begun();
    for reason in [
        Reason::NO_ERROR,
        Reason::CANCEL,
        Reason::REFUSED_STREAM,
        Reason::INTERNAL_ERROR,
    ] {
        for _ in 0..100 {
            meter
                .send(&reset(reason))
                .expect("no fault of the client's");
        }
    }
    for _ in 0..5 {
        meter
            .send(&reset(Reason::PROTOCOL_ERROR))
            .expect("within the budget");
    }
    let exceeded = meter.send(&reset(Reason::FLOW_CONTROL_ERROR));
    assert_eq!(exceeded, Err(Excess::Errors));
}

/// a header block has so many pieces.
#[test]
fn continuations_have_a_budget() {
    let (open, more) = (frame(HEADERS, 0, b"a"), frame(CONTINUATION, 0, b"a"));
    let last = frame(CONTINUATION, flag::END_HEADERS, b"a");
    let mut meter = begun();
    for _ in 0..10 {
        for bytes in [&open, &more, &more, &last] {
            meter.receive(bytes, seconds(2)).expect("three pieces");
        }
    }
    for bytes in [&open, &more, &more, &more] {
        meter.receive(bytes, seconds(2)).expect("three pieces");
    }
    assert_eq!(meter.receive(&more, seconds(2)), Err(Excess::Continuations));
    let full = Budgets::new(&Http2::default(), 64 * 1024);
    assert_eq!(full.continuations, 8);
    let wide = Budgets::new(&Http2::default(), 1024 * 1024);
    assert_eq!(wide.continuations, 80, "a head of this size fits");
}

/// the first frame is one of SETTINGS.
#[test]
fn a_connection_begins_with_settings() {
    for other in [
        frame(PING, 0, &[0; 8]),
        frame(kind::SETTINGS, flag::ACK, &[]),
    ] {
        let mut meter = Meter::new(BUDGETS);
        meter.receive(PREFACE, seconds(1)).expect("a preface");
        assert_eq!(meter.receive(&other, seconds(1)), Err(Excess::NoSettings));
    }
    assert_eq!(Excess::NoSettings.reason(), Reason::PROTOCOL_ERROR);
}

/// what was begun and has not ended is known; a body takes as long as it takes.
#[test]
fn what_has_not_ended_is_known() {
    let mut meter = Meter::new(BUDGETS);
    assert_eq!(meter.unfinished(), Some(0), "the preface is awaited");
    meter.receive(PREFACE, seconds(1)).expect("a preface");
    assert_eq!(meter.unfinished(), Some(0), "settings are awaited");
    let mut meter = begun();
    assert_eq!(meter.unfinished(), None);
    meter
        .receive(&frame(HEADERS, 0, b"abcdef"), seconds(2))
        .expect("a block");
    let block = meter.unfinished();
    assert!(block.is_some(), "a block is open");
    meter
        .receive(&frame(CONTINUATION, 0, b"a"), seconds(2))
        .expect("a piece");
    assert_eq!(meter.unfinished(), block, "a piece is no end");
    meter
        .receive(&frame(CONTINUATION, 4, b"a"), seconds(2))
        .expect("a piece");
    assert_eq!(meter.unfinished(), None);
    let data = frame(DATA, 0, b"abcdef");
    meter.receive(&data[..11], seconds(2)).expect("half of it");
    assert_eq!(meter.unfinished(), None, "a body has a bound of its own");
    meter.receive(&data[11..], seconds(2)).expect("the rest");
    let ping = frame(PING, 0, &[0; 8]);
    for at in [4, 10, 15] {
        let mut half = begun();
        half.receive(&ping[..at], seconds(2)).expect("half of it");
        assert!(half.unfinished().is_some(), "after {at} bytes");
        half.receive(&ping[at..], seconds(2)).expect("the rest");
        assert_eq!(half.unfinished(), None);
    }
}
