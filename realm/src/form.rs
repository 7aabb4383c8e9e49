//! Parameters of a query or a form, in their original order.

use url::form_urlencoded;

pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) fn parse(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn has_duplicate(&self) -> bool {
        self.0.iter().enumerate().any(|(index, (key, _))| self.0[..index].iter().any(|(earlier, _)| earlier == key))
    }
}

/// Appends parameters to the query of a URL, keeps the existing ones, and removes any fragment.
pub(crate) fn with_query(url: &str, parameters: &[(&str, &str)]) -> String {
    let url = url.split_once('#').map_or(url, |(url, _)| url);
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}{}", encode(parameters))
}

pub(crate) fn encode(parameters: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}
