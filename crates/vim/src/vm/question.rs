//! What a machine asks at power-on.

use farside_models_vim::VirtualMachineQuestionInfo;

/// What the files of a machine are that are at another place than when it last ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MovedOrCopied {
    /// Moved: the machine keeps its BIOS uuid and its MAC addresses. For a failover.
    Moved,
    /// Copied: it gets new ones. For a test copy in the same network as its source.
    Copied,
}

impl MovedOrCopied {
    /// How programs name the choice: in its label, or else in its summary.
    fn button(self) -> &'static str {
        match self {
            Self::Moved => "button.uuid.movedTheVM",
            Self::Copied => "button.uuid.copiedTheVM",
        }
    }
}

/// The key of the choice by which a question is answered, if it is the one whether the machine was moved or copied. Any
/// other question, also one that says the same in words alone, has none: keys and texts differ from server to server and
/// are never guessed (vVol recovery rules 6.3).
///
/// ```
/// use farside_models_vim::VirtualMachineQuestionInfo;
/// use farside_vim::{MovedOrCopied, choice};
///
/// let question: VirtualMachineQuestionInfo = serde_json::from_str(r#"{
///     "id": "7", "text": "Moved or copied?",
///     "choice": {"choiceInfo": [
///         {"key": "1", "label": "button.uuid.movedTheVM", "summary": "I moved it"},
///         {"key": "2", "label": "button.uuid.copiedTheVM", "summary": "I copied it"}
///     ]}
/// }"#)?;
/// assert_eq!(choice(&question, MovedOrCopied::Copied).as_deref(), Some("2"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[must_use]
pub fn choice(question: &VirtualMachineQuestionInfo, answer: MovedOrCopied) -> Option<String> {
    let choices: Vec<_> = question
        .choice
        .choice_info
        .iter()
        .filter_map(|choice| choice.base().ok())
        .collect();
    let button = answer.button();
    let by_label = choices.iter().find(|choice| choice.label == button);
    let found = by_label.or_else(|| choices.iter().find(|choice| choice.summary == button));
    found.map(|choice| choice.key.clone())
}
