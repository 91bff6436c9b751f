//! Rows as statements give and take them.

use sqlx_core::row::Row as _;
use sqlx_postgres::{PgArguments, PgRow, Postgres};
use uuid::Uuid;

use crate::copy::end::{Cell, Row};
use crate::copy::tables::{Column, Table, Type};

pub(super) type Query = sqlx_core::query::Query<'static, Postgres, PgArguments>;

pub(super) fn cell(row: &PgRow, index: usize, of: Type) -> Result<Cell, sqlx_core::Error> {
    Ok(match of {
        Type::Id => {
            let id: Option<Uuid> = row.try_get(index)?;
            id.map_or(Cell::Null, |id| Cell::Bytes(id.as_bytes().to_vec()))
        }
        Type::Text => row.try_get::<Option<String>, _>(index)?.map_or(Cell::Null, Cell::Text),
        Type::Bytes => row.try_get::<Option<Vec<u8>>, _>(index)?.map_or(Cell::Null, Cell::Bytes),
        Type::Small | Type::Int | Type::Long | Type::Flag => {
            row.try_get::<Option<i64>, _>(index)?.map_or(Cell::Null, Cell::Number)
        }
    })
}

/// A column as it is read: every number as one of 64 bits.
fn read(column: &Column) -> String {
    let name = column.postgres;
    match column.of {
        Type::Id | Type::Text | Type::Bytes => name.to_owned(),
        Type::Small | Type::Int | Type::Long => format!("{name}::bigint"),
        Type::Flag => format!("{name}::int::bigint"),
    }
}

pub(super) fn select(table: &Table) -> String {
    let columns: Vec<_> = table.columns.iter().map(read).collect();
    format!("SELECT {} FROM taskdeck.{}", columns.join(", "), table.name)
}

pub(super) fn key(table: &Table) -> String {
    table.key().iter().map(|column| column.postgres).collect::<Vec<_>>().join(", ")
}

fn uuid(cell: &Cell) -> Option<Uuid> {
    cell.id().map(Uuid::from_bytes)
}

fn text(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Text(text) => Some(text.clone()),
        _ => None,
    }
}

fn number(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Number(number) => Some(*number),
        _ => None,
    }
}

fn bytes(cell: &Cell) -> Option<Vec<u8>> {
    match cell {
        Cell::Bytes(bytes) => Some(bytes.clone()),
        _ => None,
    }
}

pub(super) fn bind(query: Query, cell: &Cell, of: Type) -> Query {
    match of {
        Type::Id => query.bind(uuid(cell)),
        Type::Text => query.bind(text(cell)),
        Type::Bytes => query.bind(bytes(cell)),
        Type::Small | Type::Int | Type::Long | Type::Flag => query.bind(number(cell)),
    }
}

/// An array of what is written to a column.
fn array(place: usize, of: Type) -> String {
    let of = match of {
        Type::Id => "uuid",
        Type::Text => "text",
        Type::Bytes => "bytea",
        Type::Small | Type::Int | Type::Long | Type::Flag => "bigint",
    };
    format!("${place}::{of}[]")
}

/// A value of such an array, as the column holds it.
fn taken(index: usize, of: Type) -> String {
    match of {
        Type::Small => format!("c{index}::smallint"),
        Type::Int => format!("c{index}::int"),
        Type::Flag => format!("c{index} <> 0"),
        Type::Id | Type::Text | Type::Bytes | Type::Long => format!("c{index}"),
    }
}

/// How many bytes the long texts of a row have.
pub(super) fn size(table: &Table) -> Option<String> {
    let long: Vec<_> =
        table.long().map(|column| format!("coalesce(octet_length({}), 0)", column.postgres)).collect();
    (!long.is_empty()).then(|| long.join(" + "))
}

/// All rows in one statement: an array for each column.
pub(super) fn insert(sql: impl FnOnce(String) -> Query, table: &'static Table, rows: &[Row]) -> Query {
    let columns = table.columns.iter().enumerate();
    let names: Vec<_> = table.columns.iter().map(|column| column.postgres).collect();
    let given: Vec<_> = (0..table.columns.len()).map(|index| format!("c{index}")).collect();
    let taken: Vec<_> = columns.clone().map(|(index, column)| taken(index, column.of)).collect();
    let arrays: Vec<_> = columns.map(|(index, column)| array(index + 1, column.of)).collect();
    let mut insert = sql(format!(
        "INSERT INTO taskdeck.{} ({}) SELECT {} FROM unnest({}) AS given ({})",
        table.name,
        names.join(", "),
        taken.join(", "),
        arrays.join(", "),
        given.join(", ")
    ));
    for (index, column) in table.columns.iter().enumerate() {
        let cells = rows.iter().map(|row| &row[index]);
        insert = match column.of {
            Type::Id => insert.bind(cells.map(uuid).collect::<Vec<_>>()),
            Type::Text => insert.bind(cells.map(text).collect::<Vec<_>>()),
            Type::Bytes => insert.bind(cells.map(bytes).collect::<Vec<_>>()),
            Type::Small | Type::Int | Type::Long | Type::Flag => {
                insert.bind(cells.map(number).collect::<Vec<_>>())
            }
        };
    }
    insert
}
