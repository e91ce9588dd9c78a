//! The chosen setup, as a `gateway.yaml`.

use crate::cli::args::Preset;

#[derive(Debug)]
pub(super) struct Plan {
    pub(super) providers: Vec<Chosen>,
    pub(super) model: Option<String>,
    pub(super) port: u16,
    /// Agent for tasks that no rule matches.
    pub(super) agent: Option<String>,
}

#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) preset: Preset,
    pub(super) base_url: String,
    /// Where its key is; none if it takes any.
    pub(super) variable: Option<String>,
    pub(super) models: Vec<String>,
}

impl Plan {
    pub(super) fn yaml(&self) -> String {
        let mut text = format!(
            "# Written by `switchtower setup`. gateway.example.yaml explains every setting.\n\
             \nport: {}\n\nmodels:\n",
            self.port
        );
        if let Some(model) = &self.model {
            text.push_str(&format!("  default_model: {}\n", scalar(model)));
        }
        text.push_str("  providers:\n");
        for (at, provider) in self.providers.iter().enumerate() {
            // Somebody must list the default model, or it goes wherever there is a key.
            let new = self.model.as_ref().filter(|model| at == 0 && !self.lists(model));
            text.push_str(&provider.yaml(new));
        }
        if self.providers.len() > 1 {
            let names: Vec<_> = self.providers.iter().map(|p| p.preset.name()).collect();
            text.push_str(&format!("  fallback_chain: [{}]\n", names.join(", ")));
        }
        if let Some(agent) = &self.agent {
            text.push_str(&format!("\nrouting:\n  defaultAgent: {}\n", scalar(agent)));
        }
        text
    }

    fn lists(&self, model: &str) -> bool {
        self.providers.iter().any(|provider| provider.models.iter().any(|known| known == model))
    }
}

impl Chosen {
    /// With one more model.
    fn yaml(&self, new: Option<&String>) -> String {
        let mut text =
            format!("    {}:\n      base_url: {}\n", self.preset.name(), scalar(&self.base_url));
        text.push_str(&match &self.variable {
            Some(name) => format!("      api_key_env: {}\n", scalar(name)),
            None => format!("      api_key: {}  # any will do\n", self.preset.name()),
        });
        if self.preset == Preset::Openrouter {
            // It has every model: a list would keep the others out.
            text.push_str("      aliases: {deepseek-chat: deepseek/deepseek-chat}\n");
            return text;
        }
        if self.preset == Preset::Openai {
            text.push_str("      dialect: responses\n");
        }
        let models: Vec<_> = new.into_iter().chain(&self.models).map(|name| scalar(name)).collect();
        if !models.is_empty() {
            text.push_str(&format!("      models: [{}]\n", models.join(", ")));
        }
        text
    }
}

/// A text that YAML takes for a text. A quoted one is written as in JSON, which YAML reads, too.
fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let is_word = words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(plain) && !is_word {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;
    use crate::config::{Config, Env};

    fn plan(presets: &[Preset], model: &str) -> Plan {
        let chosen = |preset: &Preset| Chosen {
            preset: *preset,
            base_url: preset.base_url().to_owned(),
            variable: preset.variable().map(str::to_owned),
            models: preset.models().iter().map(|&model| model.to_owned()).collect(),
        };
        let providers = presets.iter().map(chosen).collect();
        Plan {
            providers,
            model: Some(model.to_owned()),
            port: 3000,
            agent: Some("codex".to_owned()),
        }
    }

    #[test]
    fn a_file_for_people() {
        assert_snapshot!(plan(&Preset::ALL, "qwen3:14b").yaml(), @r#"
    # Written by `switchtower setup`. gateway.example.yaml explains every setting.

    port: 3000

    models:
      default_model: "qwen3:14b"
      providers:
        deepseek:
          base_url: "https://api.deepseek.com/v1"
          api_key_env: DEEPSEEK_API_KEY
          models: ["qwen3:14b", deepseek-chat, deepseek-reasoner]
        openai:
          base_url: "https://api.openai.com/v1"
          api_key_env: OPENAI_API_KEY
          dialect: responses
          models: [gpt-5.1, o4-mini]
        openrouter:
          base_url: "https://openrouter.ai/api/v1"
          api_key_env: OPENROUTER_API_KEY
          aliases: {deepseek-chat: deepseek/deepseek-chat}
        ollama:
          base_url: "http://127.0.0.1:11434/v1"
          api_key: ollama  # any will do
      fallback_chain: [deepseek, openai, openrouter, ollama]

    routing:
      defaultAgent: codex
    "#);
    }

    #[test]
    fn each_preset_passes_the_check() {
        for preset in Preset::ALL {
            let model = preset.models().first().unwrap_or(&"qwen3:14b");
            let yaml = plan(&[preset], model).yaml();
            let config =
                Config::from_yaml("c", &yaml, &Env::empty()).unwrap_or_else(|e| panic!("{e}"));
            let warnings = config.warnings.iter().filter(|warning| !warning.contains("has no key"));
            assert_eq!(warnings.count(), 0, "{:?}", config.warnings);
        }
    }

    proptest! {
        #[test]
        fn any_model_is_read_back(model in "[^\\p{C}\\p{Z}][^\\p{C}]{0,20}[^\\p{C}\\p{Z}]") {
            let yaml = plan(&[Preset::Deepseek], &model).yaml();
            let config = Config::from_yaml("c", &yaml, &Env::empty());
            prop_assert_eq!(config.unwrap().models.default_model, Some(model));
        }
    }
}
