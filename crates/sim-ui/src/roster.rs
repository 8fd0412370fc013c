//! Lists of people as spreadsheets save them: separated by commas, semicolons or tabs, with or
//! without a line of headings.

use csv::{ReaderBuilder, StringRecord, Trim};

use crate::Entrant;

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Email,
    FirstName,
    LastName,
    World,
    Role,
}

/// The columns of a list without headings.
const USUAL: [Column; 5] =
    [Column::Email, Column::FirstName, Column::LastName, Column::World, Column::Role];

/// The headings that are understood, in small letters and without what is no letter.
const HEADINGS: &[(&str, Column)] = &[
    ("email", Column::Email),
    ("emailaddress", Column::Email),
    ("mail", Column::Email),
    ("firstname", Column::FirstName),
    ("givenname", Column::FirstName),
    ("vorname", Column::FirstName),
    ("lastname", Column::LastName),
    ("surname", Column::LastName),
    ("nachname", Column::LastName),
    ("name", Column::LastName),
    ("world", Column::World),
    ("team", Column::World),
    ("group", Column::World),
    ("welt", Column::World),
    ("gruppe", Column::World),
    ("role", Column::Role),
    ("rolle", Column::Role),
];

/// Reads a list; all that is wrong with it is told together, by lines.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Entrant>, String> {
    let text = decoded(bytes);
    let mut reader = ReaderBuilder::new()
        .delimiter(separator(&text))
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .from_reader(text.as_bytes());
    let mut columns: Option<Vec<Option<Column>>> = None;
    let (mut entrants, mut faults) = (Vec::new(), Vec::new());
    for row in reader.records() {
        let row = row.map_err(|error| format!("the list cannot be read: {error}"))?;
        if row.iter().all(str::is_empty) {
            continue;
        }
        let Some(columns) = &columns else {
            let named = headings(&row);
            let has_headings = named.contains(&Some(Column::Email));
            if !has_headings && !row.iter().any(is_address) {
                let text = "the first line names no column `email` and holds no e-mail address";
                return Err(text.to_owned());
            }
            let known = has_headings.then_some(named);
            let known = known.unwrap_or_else(|| USUAL.map(Some).to_vec());
            if !has_headings {
                take(&row, &known, &mut entrants, &mut faults);
            }
            columns = Some(known);
            continue;
        };
        take(&row, columns, &mut entrants, &mut faults);
    }
    match faults.is_empty() {
        true if entrants.is_empty() => Err("the list is empty".to_owned()),
        true => Ok(entrants),
        false => Err(faults.join("; ")),
    }
}

fn take(
    row: &StringRecord,
    columns: &[Option<Column>],
    entrants: &mut Vec<Entrant>,
    faults: &mut Vec<String>,
) {
    let line = row.position().map_or(0, csv::Position::line);
    let cell = |wanted: Column| {
        let index = columns.iter().position(|it| *it == Some(wanted))?;
        row.get(index).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let email = cell(Column::Email).unwrap_or_default();
    if !is_address(&email) {
        return faults.push(format!("line {line}: `{email}` is no e-mail address"));
    }
    if entrants.iter().any(|it| it.email.eq_ignore_ascii_case(&email)) {
        return faults.push(format!("line {line}: `{email}` stands in the list twice"));
    }
    entrants.push(Entrant {
        email,
        first_name: cell(Column::FirstName).unwrap_or_default(),
        last_name: cell(Column::LastName).unwrap_or_default(),
        world: cell(Column::World),
        role: cell(Column::Role),
    });
}

pub(crate) fn is_address(text: &str) -> bool {
    let parts = text.split_once('@');
    parts.is_some_and(|(name, host)| {
        !name.is_empty() && !host.is_empty() && !host.contains('@') && !text.contains(' ')
    })
}

fn headings(row: &StringRecord) -> Vec<Option<Column>> {
    let heading = |text: &str| {
        let plain: String = text.to_lowercase().chars().filter(|it| it.is_alphabetic()).collect();
        HEADINGS.iter().find(|(name, _)| *name == plain).map(|(_, column)| *column)
    };
    row.iter().map(heading).collect()
}

/// What separates the columns: the likeliest by the first line.
fn separator(text: &str) -> u8 {
    let first = text.lines().next().unwrap_or_default();
    let count = |separator: u8| first.bytes().filter(|it| *it == separator).count();
    // Of several that are as frequent the last one is taken.
    [b'\t', b';', b','].into_iter().max_by_key(|it| count(*it)).unwrap_or(b',')
}

/// The text of a file: UTF-8, or the Latin alphabet of older spreadsheets.
fn decoded(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entrant(email: &str, names: [&str; 2], world: Option<&str>, role: Option<&str>) -> Entrant {
        Entrant {
            email: email.to_owned(),
            first_name: names[0].to_owned(),
            last_name: names[1].to_owned(),
            world: world.map(str::to_owned),
            role: role.map(str::to_owned),
        }
    }

    #[test]
    fn headings_say_what_stands_where() {
        let list = b"Team;E-Mail;Vorname;Nachname;Notiz\r\n\
                     Rot;ann@div.example;Ann;\"L\xf6w; A.\";x\r\n\r\n;bo@div.example;;;\r\n";
        let read = read(list).unwrap();
        assert_eq!(
            read,
            [
                entrant("ann@div.example", ["Ann", "Löw; A."], Some("Rot"), None),
                entrant("bo@div.example", ["", ""], None, None),
            ]
        );
    }

    #[test]
    fn without_headings_the_usual_order_holds() {
        let list = "\u{feff}ann@div.example,Ann,Lee,World 1,Divisor\nbo@div.example\n";
        assert_eq!(
            read(list.as_bytes()).unwrap(),
            [
                entrant("ann@div.example", ["Ann", "Lee"], Some("World 1"), Some("Divisor")),
                entrant("bo@div.example", ["", ""], None, None),
            ]
        );
    }

    #[test]
    fn all_that_is_wrong_is_told_together() {
        let list = "email,role\nann@div.example,x\n@,x\nANN@div.example,\n";
        assert_eq!(
            read(list.as_bytes()).unwrap_err(),
            "line 3: `@` is no e-mail address; line 4: `ANN@div.example` stands in the list twice"
        );
        for (list, fault) in [
            ("", "the list is empty"),
            ("email\n", "the list is empty"),
            ("a,b\nc,d\n", "the first line names no column `email` and holds no e-mail address"),
        ] {
            assert_eq!(read(list.as_bytes()).unwrap_err(), fault);
        }
    }
}
