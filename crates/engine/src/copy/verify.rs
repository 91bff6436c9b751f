//! Reading both sides after a copy.

use sha2::{Digest, Sha256};

use super::end::{Cell, End, Row};
use super::tables::{self, Table};
use super::{CopyError, CopyProgress, CopyStage, PAGE};

/// A table, as it is on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSum {
    /// Its name.
    pub table: &'static str,
    /// How many rows it has.
    pub rows: u64,
    /// The SHA-256 of all its rows in the order of their keys, in hexadecimal digits.
    pub sum: String,
}

pub(super) async fn verify(
    from: &mut dyn End,
    to: &mut dyn End,
    told: &mut (impl FnMut(CopyProgress) + Send),
) -> Result<Vec<TableSum>, CopyError> {
    let mut total = 0;
    for table in tables::all() {
        total += 2 * from.count(table).await?;
    }
    let mut done = 0;
    let mut read = |rows: u64| {
        done += rows;
        told(CopyProgress { stage: CopyStage::Verify, done, total });
    };
    let mut sums = Vec::new();
    for table in tables::all() {
        let here = sum(from, table, &mut read).await?;
        if sum(to, table, &mut read).await? != here {
            return Err(CopyError::Differs(table.name));
        }
        sums.push(here);
    }
    Ok(sums)
}

async fn sum(
    end: &mut dyn End,
    table: &'static Table,
    read: &mut (impl FnMut(u64) + Send),
) -> Result<TableSum, CopyError> {
    let mut hash = Sha256::new();
    let (mut rows, mut last) = (0, None);
    loop {
        let page = end.page(table, last, PAGE).await?;
        rows += page.rows.len() as u64;
        read(page.rows.len() as u64);
        page.rows.iter().for_each(|row| add(&mut hash, row));
        last = page.rows.into_iter().next_back();
        if !page.more {
            let sum = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
            return Ok(TableSum { table: table.name, rows, sum });
        }
    }
}

/// Each value with its kind and its length, so that no two rows give the same bytes.
fn add(hash: &mut Sha256, row: &Row) {
    for cell in row {
        match cell {
            Cell::Null => hash.update([0]),
            Cell::Number(number) => {
                hash.update([1]);
                hash.update(number.to_be_bytes());
            }
            Cell::Text(text) => add_bytes(hash, 2, text.as_bytes()),
            Cell::Bytes(bytes) => add_bytes(hash, 3, bytes),
        }
    }
}

fn add_bytes(hash: &mut Sha256, kind: u8, bytes: &[u8]) {
    hash.update([kind]);
    hash.update((bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}
