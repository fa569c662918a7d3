//! Differential test against hyper's parser on mutated requests, with fixed seeds.

#[path = "differential/compare.rs"]
mod compare;

use compare::compare;

/// Requests of every shape that passes, and of many that just do not.
const CORPUS: &[&[u8]] = &[
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\r\nGET /a/b?c=d&e=%41 HTTP/1.0\r\nHost: a.example:80\r\nConnection: keep-alive\r\n\r\n",
    b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET /next HTTP/1.1\r\nHost: b\r\n\r\n",
    b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"PUT /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nGET /n HTTP/1.1\r\nHost: a\r\n\r\n",
    b"PUT /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3;a=b;c=\"d\"\r\nabc\r\n00a\r\n0123456789\r\n0\r\nX-Sum: 1\r\nHost: x\r\n\r\n",
    b"GET http://a.example/x?y HTTP/1.1\r\nHost: b.example\r\nAccept:  */* \r\nX-Empty:\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n",
    b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, X\r\nUpgrade: websocket\r\n\r\n",
    b"DELETE /x HTTP/1.1\r\nhost:[::1]:8080\r\nX-Obs: \xc3\xa4\xff\r\nconnection:close\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n folded\r\n\r\n",
    b"GET / HTTP/1.1\nHost: a\n\n",
];

/// What mutation puts in: bytes and words on which parsers have disagreed before.
const WORDS: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b"\0",
    b"\t",
    b" ",
    b"\x0b",
    b"\x7f",
    b"\x80",
    b":",
    b",",
    b";",
    b"=",
    b"\"",
    b"+",
    b"-",
    b"0x",
    b"_",
    b"%",
    b"?",
    b"#",
    b"/",
    b"//",
    b"*",
    b"@",
    b"0",
    b"5",
    b"f",
    b"10",
    b"9223372036854775807",
    b"18446744073709551616",
    b"HTTP/1.1",
    b"HTTP/1.0",
    b"HTTP/2.0",
    b"http://",
    b"GET ",
    b"CONNECT ",
    b"Host: b\r\n",
    b"Content-Length: 4\r\n",
    b"Content-Length: 5, 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: identity\r\n",
    b"chunked",
    b"identity",
    b"Connection: close\r\n",
    b"Expect: 100-continue\r\n",
    b"0\r\n\r\n",
    b"5\r\nhello\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
];

/// Numbers from a seed (`SplitMix64`); the same on every machine.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap_or(0)
    }

    fn pick<'a>(&mut self, from: &[&'a [u8]]) -> &'a [u8] {
        from[self.below(from.len())]
    }

    /// A request of the corpus with up to four changes.
    fn request(&mut self) -> Vec<u8> {
        let mut bytes = self.pick(CORPUS).to_vec();
        for _ in 0..=self.below(4) {
            self.mutate(&mut bytes);
        }
        bytes
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len() + 1);
        let end = (at + self.below(12)).min(bytes.len());
        match self.below(6) {
            0 => drop(bytes.splice(at..at, self.pick(WORDS).iter().copied())),
            1 => drop(bytes.splice(at..end, self.pick(WORDS).iter().copied())),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let again = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, again));
            }
            4 => {
                let other = self.pick(CORPUS);
                let from = self.below(other.len());
                drop(bytes.splice(at.., other[from..].iter().copied()));
            }
            _ => {
                let byte = u8::try_from(self.below(256)).unwrap_or(0);
                if let Some(place) = bytes.get_mut(at) {
                    *place = byte;
                }
            }
        }
    }
}

const SEED: u64 = 0x706f_696e_7473_6d61;
const ROUNDS: u64 = 1_000_000;

/// R-001: no mutation of a request makes two parsers disagree about where it ends.
/// R-005: nor about the data of its chunks.
/// R-017: nor about how many requests there are.
#[test]
fn hyper_agrees_with_whatever_is_accepted() {
    let mut agreed = 0;
    for round in 0..ROUNDS {
        let bytes = Numbers(SEED ^ round.wrapping_mul(0x9e37_79b9)).request();
        match compare(&bytes) {
            Ok(messages) => agreed += messages,
            Err(difference) => panic!(
                "seed {SEED:#x}, round {round}: {difference}\n{:?}",
                String::from_utf8_lossy(&bytes)
            ),
        }
    }
    // A mutator that only makes garbage would prove nothing.
    assert!(agreed > 100_000, "only {agreed} messages were accepted");
}

#[test]
fn the_corpus_is_compared_as_it_is() {
    let messages: Vec<usize> = CORPUS
        .iter()
        .map(|bytes| compare(bytes).expect("no difference"))
        .collect();
    assert_eq!(messages, [1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 0, 0, 0, 0]);
}
