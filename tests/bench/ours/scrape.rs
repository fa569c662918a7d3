//! One number of a process's metrics.

use std::net::SocketAddr;

use pointsman_tests::eventually;

use super::{BOUND, ask};

/// The value of the metric of this name without labels.
pub(crate) async fn scrape(admin: SocketAddr, name: &str) -> f64 {
    eventually("the metrics", BOUND, async || {
        let text = ask(admin, "/metrics").await?;
        let text = String::from_utf8_lossy(&text);
        value(&text, name).ok_or_else(|| format!("no {name} in {text}"))
    })
    .await
}

/// The sum of the values of the metrics of these names, with all their labels; 0 where there is none yet.
pub(crate) async fn scrape_sum(admin: SocketAddr, names: &[&str]) -> f64 {
    eventually("the metrics", BOUND, async || {
        let text = ask(admin, "/metrics").await?;
        let text = String::from_utf8_lossy(&text);
        Ok(names.iter().map(|name| sum(&text, name)).sum())
    })
    .await
}

fn sum(text: &str, name: &str) -> f64 {
    let of = |line: &str| -> Option<f64> {
        let behind = line.strip_prefix(name)?;
        let value = match behind.strip_prefix('{') {
            Some(labels) => labels.rsplit_once("} ")?.1,
            None => behind.strip_prefix(' ')?,
        };
        value.parse().ok()
    };
    text.lines().filter_map(of).sum()
}

fn value(text: &str, name: &str) -> Option<f64> {
    let of = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok();
    text.lines().find_map(of)
}

#[cfg(test)]
mod tests {
    use super::{sum, value};

    #[test]
    fn a_metric_is_found_by_its_whole_name() {
        let text = "# HELP a b\na_total 3\na 2.5\n";
        assert_eq!(value(text, "a"), Some(2.5));
        assert_eq!(value(text, "a_total"), Some(3.0));
        assert_eq!(value(text, "a_t"), None);
    }

    #[test]
    fn a_metric_is_summed_with_its_labels_and_without() {
        let text = "a_total{x=\"1\"} 3\na_total{x=\"}\"} 4\na_total_b{x=\"1\"} 5\na 2.5\n";
        assert_eq!(sum(text, "a_total"), 7.0);
        assert_eq!(sum(text, "a"), 2.5);
        assert_eq!(sum(text, "b"), 0.0);
    }
}
