//! `OpenMetrics` text turned into the classic Prometheus text.
//!
//! The differences: a counter's family is named with its `_total`, an info metric is a gauge named with its `_info`,
//! an unknown type is `untyped`; there are no units, no exemplars, and no closing `# EOF`.

/// The classic text for what `prometheus-client` wrote.
pub(super) fn from_openmetrics(open: &str) -> String {
    let mut classic = String::with_capacity(open.len());
    let mut help = None;
    for line in open.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            // Its name depends on the type, which follows.
            help = rest.split_once(' ').map(|(_, text)| text);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap_or((rest, "unknown"));
            push_head(&mut classic, name, kind, help.take());
        } else if !line.starts_with('#') {
            classic.push_str(without_exemplar(line));
            classic.push('\n');
        }
    }
    classic
}

fn push_head(classic: &mut String, name: &str, kind: &str, help: Option<&str>) {
    let (suffix, kind) = match kind {
        "counter" => ("_total", "counter"),
        "info" => ("_info", "gauge"),
        "unknown" => ("", "untyped"),
        other => ("", other),
    };
    if let Some(help) = help {
        classic.push_str(&format!("# HELP {name}{suffix} {help}\n"));
    }
    classic.push_str(&format!("# TYPE {name}{suffix} {kind}\n"));
}

/// A sample without its exemplar, which begins with ` # {` outside of label values.
fn without_exemplar(sample: &str) -> &str {
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in sample.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'#' if !quoted => return sample[..at].trim_end(),
            _ => {}
        }
    }
    sample
}
