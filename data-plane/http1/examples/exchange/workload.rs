//! One proxied exchange as the data plane makes it: both heads parsed, edited and written.

use pointsman_http1::{
    BodyLength, Fields, Known, KnownSet, RequestHead, RequestLimits, RequestOut, RequestParser,
    ResponseHead, ResponseLimits, ResponseOut, ResponseParser, UpstreamConnection, write_request,
    write_response,
};

/// What goes over the wire in one exchange.
pub(crate) struct Messages {
    request: &'static [u8],
    response: &'static [u8],
}

/// A load generator's request and a small service's answer.
pub(crate) const SMALL: Messages = Messages {
    request: b"GET /api/v1/items?page=2 HTTP/1.1\r\n\
        Host: app.example.com\r\n\
        User-Agent: load/1.0\r\n\
        Accept: */*\r\n\
        Accept-Encoding: gzip\r\n\
        \r\n",
    response: b"HTTP/1.1 200 OK\r\n\
        Content-Type: application/json\r\n\
        Content-Length: 1024\r\n\
        Date: Tue, 01 Jul 2025 12:00:00 GMT\r\n\
        \r\n",
};

/// A browser's request and a web framework's answer.
pub(crate) const LARGE: Messages = Messages {
    request: b"GET /shop/articles/4711?color=green&size=42 HTTP/1.1\r\n\
        Host: shop.apps.example.com\r\n\
        Connection: keep-alive\r\n\
        sec-ch-ua: \"Chromium\";v=\"126\", \"Not.A/Brand\";v=\"24\"\r\n\
        sec-ch-ua-mobile: ?0\r\n\
        sec-ch-ua-platform: \"Linux\"\r\n\
        Upgrade-Insecure-Requests: 1\r\n\
        User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n\
        Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
        Sec-Fetch-Site: same-origin\r\n\
        Sec-Fetch-Mode: navigate\r\n\
        Sec-Fetch-Dest: document\r\n\
        Referer: https://shop.apps.example.com/shop/articles\r\n\
        Accept-Encoding: gzip, deflate, br\r\n\
        Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n\
        Cookie: __VCAP_ID__=7fe6d53a-8a4c-4f0f-5c6c-6ab1; JSESSIONID=0123456789ABCDEF0123456789ABCDEF\r\n\
        \r\n",
    response: b"HTTP/1.1 200 OK\r\n\
        Date: Tue, 01 Jul 2025 12:00:00 GMT\r\n\
        Content-Type: text/html; charset=utf-8\r\n\
        Transfer-Encoding: chunked\r\n\
        Connection: keep-alive\r\n\
        Cache-Control: no-cache, no-store, max-age=0, must-revalidate\r\n\
        Pragma: no-cache\r\n\
        Expires: 0\r\n\
        X-Content-Type-Options: nosniff\r\n\
        X-Frame-Options: DENY\r\n\
        X-XSS-Protection: 0\r\n\
        Vary: Accept-Encoding\r\n\
        Set-Cookie: JSESSIONID=0123456789ABCDEF0123456789ABCDEF; Path=/; HttpOnly\r\n\
        \r\n",
};

/// What two connections own, and reuse from exchange to exchange.
pub(crate) struct Exchange {
    request_parser: RequestParser,
    request: RequestHead,
    to_endpoint: Vec<u8>,
    response_parser: ResponseParser,
    response: ResponseHead,
    to_client: Vec<u8>,
    of_connection: Fields,
    of_endpoint: Fields,
}

impl Exchange {
    pub(crate) fn new() -> Self {
        let list = |fields: &[(Known, &[u8])]| {
            let mut list = Fields::new();
            for (name, value) in fields {
                assert_eq!(list.push(*name, value), Ok(()));
            }
            list
        };
        Self {
            of_connection: list(&[(Known::XForwardedProto, b"https")]),
            of_endpoint: list(&[
                (
                    Known::XCfApplicationId,
                    b"0e7f2a52-6f6c-4d0f-9a70-3c1f2b4d5e6f",
                ),
                (
                    Known::XCfInstanceId,
                    b"b0c1d2e3-f4a5-4697-8899-aabbccddeeff",
                ),
                (Known::XCfInstanceIndex, b"3"),
            ]),
            request_parser: RequestParser::new(RequestLimits::DEFAULT),
            request: RequestHead::new(),
            to_endpoint: Vec::new(),
            response_parser: ResponseParser::new(ResponseLimits::DEFAULT),
            response: ResponseHead::new(),
            to_client: Vec::new(),
        }
    }

    /// Both directions of one exchange; the bytes that were written.
    pub(crate) fn run(&mut self, messages: &Messages) -> usize {
        self.request(messages.request);
        self.response(messages.response);
        self.to_endpoint.len() + self.to_client.len()
    }

    pub(crate) fn request(&mut self, bytes: &[u8]) {
        let parsed = self.request_parser.parse(bytes, &mut self.request);
        assert_eq!(parsed, Ok(Some(bytes.len())));
        let body = self.request.body();
        self.request.fields_mut().strip_hop_by_hop(|_| false);
        let how = RequestOut {
            body,
            connection: UpstreamConnection::KeepAlive,
            without: KnownSet::of(&[Known::XVcapRequestId, Known::XForwardedFor]),
            with: &[
                (Known::XForwardedFor.into(), b"203.0.113.7"),
                (Known::XRequestStart.into(), b"1751371200000"),
                (
                    Known::XVcapRequestId.into(),
                    b"6f1f3c0e-9a57-4d4b-9b63-0f8b6c7a1d2e",
                ),
            ],
            prepared: &[&self.of_connection, &self.of_endpoint],
            authority: None,
        };
        self.to_endpoint.clear();
        assert!(write_request(&mut self.to_endpoint, &self.request, &how).is_ok());
    }

    pub(crate) fn response(&mut self, bytes: &[u8]) {
        let parsed = self.response_parser.parse(bytes, &mut self.response);
        assert_eq!(parsed, Ok(Some(bytes.len())));
        let body: BodyLength = self.response.body(self.request.method());
        self.response.fields_mut().strip_hop_by_hop(|_| false);
        let how = ResponseOut {
            client: self.request.version(),
            method: self.request.method(),
            body,
            keep_alive: self.request.keep_alive(),
            upgrade: None,
            date: Some(b"Tue, 01 Jul 2025 12:00:01 GMT"),
            without: KnownSet::EMPTY,
            with: &[(
                Known::XVcapRequestId.into(),
                b"6f1f3c0e-9a57-4d4b-9b63-0f8b6c7a1d2e",
            )],
            prepared: &[],
        };
        self.to_client.clear();
        assert!(write_response(&mut self.to_client, &self.response, &how).is_ok());
    }
}
