//! What machines ask before they start.

use serde_json::{Value, json};

use super::machine::{CANCEL, COPIED, MOVED, Question};
use super::spec::{ChoiceNames, MachineTrouble};
use super::{Job, Work, power, schedule};
use crate::exchange::Answer;
use crate::service::Incoming;
use crate::vi_json::fault::Fault;
use crate::vi_json::request::Path;
use crate::world::World;

/// How long a machine takes to go on after an answer, in milliseconds.
const GOES_ON_MS: std::ops::Range<i64> = 50..400;

/// Lets a machine that is to start ask what it has to; `false` if that is nothing. `asked`: it has asked before.
pub(super) fn ask(world: &mut World, job: &Job, asked: bool) -> bool {
    let vms = &world.vms;
    let Some(machine) = vms.machines.get(&job.about) else {
        return false;
    };
    let Some(home) = vms.homes.get(&machine.place) else {
        return false;
    };
    let elsewhere = home
        .config
        .ran_at
        .as_ref()
        .is_some_and(|(vcenter, place)| (vcenter, place) != (&machine.vcenter, &machine.place));
    let settled = ["keep", "create"].contains(&vms.uuid_action(home));
    let about_uuid = elsewhere && !settled && !vms.spec.asks_nothing;
    let strange = !asked && home.troubles.contains(&MachineTrouble::StrangeQuestion);
    if !strange && !about_uuid {
        return false;
    }
    let names = vms.spec.choice_names;
    let vms = &mut world.vms;
    let id = vms.number(&job.vcenter, "question").to_string();
    let shown = if strange {
        strange_question(&id)
    } else {
        uuid_question(&id, names)
    };
    if let Some(machine) = vms.machines.get_mut(&job.about) {
        machine.question = Some(Question {
            id,
            about_uuid: !strange,
            answered: false,
            shown,
        });
    }
    vms.held.insert(job.about.clone(), job.clone());
    world.inventory.touch(&job.vcenter, &job.about);
    true
}

fn uuid_question(id: &str, names: ChoiceNames) -> Value {
    let choice = |key: &str, button: &str, text: &str| {
        let (label, summary) = match names {
            ChoiceNames::InLabel => (button, text),
            ChoiceNames::InSummary => (text, button),
            ChoiceNames::Nowhere => (text, text),
        };
        json!({"_typeName": "ElementDescription", "label": label, "summary": summary, "key": key})
    };
    let text = "msg.uuid.altered:This virtual machine might have been moved or copied.";
    json!({
        "_typeName": "VirtualMachineQuestionInfo",
        "id": id,
        "text": text,
        "choice": {
            "_typeName": "ChoiceOption",
            "choiceInfo": [
                choice(CANCEL, "button.uuid.cancel", "Abbrechen"),
                choice(MOVED, "button.uuid.movedTheVM", "Verschoben"),
                choice(COPIED, "button.uuid.copiedTheVM", "Kopiert"),
            ],
            "defaultIndex": 2,
        },
        "message": [{
            "_typeName": "VirtualMachineMessage",
            "id": "msg.uuid.altered",
            "text": "This virtual machine might have been moved or copied.",
        }],
    })
}

fn strange_question(id: &str) -> Value {
    let choice = |key: &str, label: &str| json!({"_typeName": "ElementDescription", "label": label, "summary": label, "key": key});
    json!({
        "_typeName": "VirtualMachineQuestionInfo",
        "id": id,
        "text": "The serial port cannot be opened. Go on without it?",
        "choice": {
            "_typeName": "ChoiceOption",
            "choiceInfo": [choice(CANCEL, "button.no"), choice("1", "button.yes")],
        },
        "message": [{
            "_typeName": "VirtualMachineMessage",
            "id": "msg.serial.open",
            "text": "The serial port cannot be opened.",
        }],
    })
}

/// `AnswerVM`.
pub(super) fn answer(
    world: &mut World,
    incoming: &Incoming<'_>,
    path: &Path,
    body: &Value,
) -> Result<Answer, Fault> {
    power::machine(world, incoming.endpoint, &path.mo_id)?;
    let World { core, vms, .. } = world;
    let machine = vms.machines.get_mut(&path.mo_id);
    let question = machine.and_then(|machine| machine.question.as_mut());
    let no_such = || Fault::invalid_argument(Some("questionId"), "There is no such question.");
    let question = question
        .filter(|question| body["questionId"] == question.id.as_str())
        .ok_or_else(no_such)?;
    let choice = body["answerChoice"].as_str().unwrap_or_default();
    let choices = question.shown["choice"]["choiceInfo"].as_array();
    let known = choices.is_some_and(|choices| choices.iter().any(|known| known["key"] == choice));
    if !known {
        return Err(Fault::invalid_argument(
            Some("answerChoice"),
            "The question has no such choice.",
        ));
    }
    if question.answered {
        return Err(Fault::new("ConcurrentAccess", "The question is being answered."));
    }
    question.answered = true;
    let about_uuid = question.about_uuid;
    core.calls.effect(incoming.ticket, core.now_ms);
    let Some(mut job) = vms.held.remove(&path.mo_id) else {
        return Err(no_such());
    };
    let goes_on = about_uuid || choice == CANCEL;
    job.work = if goes_on {
        Work::SwitchOn {
            answer: Some(choice.to_owned()),
        }
    } else {
        Work::PowerOn { asked: true }
    };
    let ms = core.work_ms("answer", &path.mo_id, GOES_ON_MS);
    schedule(core, ms, job);
    Ok(Answer::empty(204))
}

/// The question of a machine that goes on does not stand any more.
pub(super) fn settled(world: &mut World, machine: &str) {
    if let Some(machine) = world.vms.machines.get_mut(machine)
        && machine.question.take().is_some()
    {
        world.inventory.touch(&machine.vcenter, &machine.id);
    }
}
