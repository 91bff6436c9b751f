//! Imports that are stopped, killed, or whose table is taken from them.

use super::*;

/// Imports with a stop after each number of batches, until it is done.
fn import_with_stops(desk: &Desk, plan: &Plan<'_>, stops: &[u32]) -> (ImportSummary, usize) {
    for &looks in stops {
        let witness = Witness { looks_left: Cell::new(Some(looks)), ..Witness::default() };
        match import(&desk.database, "task", plan, &witness) {
            Err(ImportError::Stopped) => {}
            other => return (other.unwrap(), witness.problems.into_inner().len()),
        }
    }
    let witness = Witness::default();
    let summary = import(&desk.database, "task", plan, &witness).unwrap();
    (summary, witness.problems.into_inner().len())
}

fn records() -> impl Strategy<Value = Vec<u8>> {
    let plain = "[a-z0-9]{0,6}".prop_map(String::into_bytes);
    let field = prop_oneof![
        4 => plain.clone(),
        1 => Just(b"NA".to_vec()),
        1 => Just(b"\"a, \"\"b\"\"\r\nc\"".to_vec()),
        1 => Just(b"\xEF\xBB\xBFx".to_vec()),
        1 => Just(b"\xFF".to_vec()),
    ];
    let record =
        (prop::collection::vec(field, 1..5), prop_oneof![Just("\n"), Just("\r\n"), Just("\r"), Just("\n\n")]);
    prop::collection::vec(record, 0..40).prop_map(|records| {
        let mut bytes = b"a,b,c\n1,2,3\n".to_vec();
        for (fields, end) in records {
            bytes.extend(fields.join(b",".as_slice()));
            bytes.extend(end.as_bytes());
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_import_that_is_stopped_and_goes_on_makes_the_same_table(
        content in records(),
        batch_rows in 1_u64..8,
        stops in prop::collection::vec(0_u32..4, 0..12),
    ) {
        let whole = Desk::new();
        let expected = whole.import_text(&content).unwrap();
        let desk = Desk::new();
        let file = desk.file(&content);
        let (summary, problems) = import_with_stops(&desk, &Plan { batch_rows, ..plan(&file) }, &stops);
        prop_assert_eq!(desk.table("t"), whole.table("t"));
        prop_assert_eq!(problems as u64, summary.skipped);
        prop_assert_eq!(summary, expected);
    }
}

#[test]
fn an_import_whose_table_was_replaced_meanwhile_begins_anew() {
    let desk = Desk::new();
    let file = desk.file("a\n1\n2\n3\n");
    let one_by_one = Plan { batch_rows: 1, ..plan(&file) };
    let witness = Witness { looks_left: Cell::new(Some(2)), ..Witness::default() };
    assert!(matches!(import(&desk.database, "first", &one_by_one, &witness), Err(ImportError::Stopped)));
    assert_eq!(desk.table("t").len(), 2);

    desk.import("second", &Plan { table: "T", ..one_by_one.clone() }).unwrap();
    assert_eq!(desk.import("first", &one_by_one).unwrap().rows, 3);
    assert_eq!(desk.table("t").len(), 3);
}

/// Replaces the table, or lets a later attempt go on, while an import is between two batches.
struct Meddler<'a, F: Fn()> {
    witness: &'a Witness,
    at_look: u32,
    meddle: F,
}

impl<F: Fn()> Watch for Meddler<'_, F> {
    fn progress(&self, bytes: u64, of: u64, rows: u64) {
        self.witness.progress(bytes, of, rows);
    }

    fn problem(&self, problem: &Problem) {
        self.witness.problem(problem);
    }

    fn info(&self, text: &str) {
        self.witness.info(text);
    }

    fn warn(&self, text: &str) {
        self.witness.warn(text);
    }

    fn is_stopped(&self) -> bool {
        let looks = self.witness.looks_left.get().unwrap_or(0) + 1;
        self.witness.looks_left.set(Some(looks));
        if looks == self.at_look {
            (self.meddle)();
        }
        false
    }
}

#[test]
fn an_import_that_lost_its_table_or_its_task_adds_no_row() {
    for other in ["second", "first"] {
        let desk = Desk::new();
        let file = desk.file("a\n1\n2\n3\n");
        let one_by_one = Plan { batch_rows: 1, ..plan(&file) };
        let meddle = || assert_eq!(desk.import(other, &one_by_one).unwrap().rows, 3);
        let meddler = Meddler { witness: &Witness::default(), at_look: 2, meddle };
        let (code, _) = refusal(import(&desk.database, "first", &one_by_one, &meddler));
        assert_eq!(code, "replaced");
        assert_eq!(desk.table("t").len(), 3, "by {other}");
    }
}

/// Where the child of the crash test finds its folder.
const CRASH_FOLDER: &str = "TASKDECK_TEST_CRASH_FOLDER";

/// Says on its standard output how far it is.
struct Loud;

impl Watch for Loud {
    fn progress(&self, bytes: u64, _: u64, _: u64) {
        let mut out = io::stdout().lock();
        writeln!(out, "\nread {bytes}").and_then(|()| out.flush()).unwrap();
    }

    fn problem(&self, _: &Problem) {}

    fn info(&self, _: &str) {}

    fn warn(&self, _: &str) {}

    fn is_stopped(&self) -> bool {
        false
    }
}

fn flights_plan(file: &Path) -> Plan<'_> {
    Plan { table: "flights", mode: ImportMode::Append, ..plan(file) }
}

#[test]
#[ignore = "the process that the crash test kills"]
fn child_that_imports_flights() {
    let folder = PathBuf::from(std::env::var_os(CRASH_FOLDER).unwrap());
    let database = DataDatabase::open(&folder.join("data.db")).unwrap();
    import(&database, "task", &flights_plan(&folder.join("flights.csv")), &Loud).unwrap();
}

#[test]
fn after_kill_9_every_flight_is_there_exactly_once() {
    let desk = Desk::new();
    let file = unpacked_flights(desk.folder.path());
    // Killed three times, each time after it has read a further part.
    for part in [8_000_000, 16_000_000, 24_000_000] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["child_that_imports_flights", "--ignored", "--nocapture"])
            .env(CRASH_FOLDER, desk.folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let read = |line: &str| line.strip_prefix("read ").and_then(|bytes| bytes.parse::<u64>().ok());
        let reached = lines.any(|line| read(&line.unwrap()).is_some_and(|bytes| bytes >= part));
        assert!(reached, "the child ended before it was killed");
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let before = desk.number("SELECT count(*) FROM flights");
    assert!((1..336_776).contains(&before), "{before}");

    let witness = Witness::default();
    let summary = import(&desk.database, "task", &flights_plan(&file), &witness).unwrap();
    assert_eq!((summary.rows, summary.skipped), (336_776, 0));
    assert_eq!(summary.missing["dep_time"], 8_255);
    assert_eq!(desk.number("SELECT count(*) FROM flights"), 336_776);
    assert!(witness.lines.borrow()[0].starts_with("Goes on at line "), "{:?}", witness.lines);
}
