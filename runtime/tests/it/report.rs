//! Reports: pages that are well-formed, complete, and harmless whatever a plan holds.

use crate::support::shared::{Choices, shared};
use crate::support::{PlanBuilder, every_operation, valid};
use roxmltree::{Document, Node, ParsingOptions};
use runtime::cost::forecast::Forecast;
use runtime::plan::{Cost, Op, OutputPart, Plan, Shape, StepId, ValidPlan};
use runtime::report::Report;

/// Names that would do something if they were not text.
const HOSTILE: [&str; 6] = [
    "</title><script>alert(1)</script>",
    "\" onload=\"alert(1)",
    "' href='javascript:alert(1)",
    "]]>&amp;<!--",
    "turned \u{202e} and \u{0} \u{1b}[31m \u{ffff}",
    "猫🐈 née {{7*7}} ${7*7}",
];

fn plans() -> [ValidPlan; 2] {
    let of_suite_shared = shared(every_operation(), &mut Choices((1..60).collect()));
    [valid(every_operation()), valid(of_suite_shared)]
}

fn html(plan: &ValidPlan) -> String {
    Report::new(plan, &Forecast::typical(plan, None)).html()
}

fn parsed(html: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, nodes_limit: 10_000_000, ..ParsingOptions::default() };
    Document::parse_with_options(html, options).expect("well-formed")
}

fn with_id<'d>(document: &'d Document<'_>, id: &str) -> Node<'d, 'd> {
    let found: Vec<Node<'_, '_>> =
        document.descendants().filter(|node| node.attribute("id") == Some(id)).collect();
    assert_eq!(found.len(), 1, "one element {id}");
    found[0]
}

fn named<'d>(node: Node<'d, 'd>, name: &'static str) -> impl Iterator<Item = Node<'d, 'd>> {
    node.descendants()
        .filter(move |node| node.has_tag_name((node.tag_name().namespace().unwrap_or(""), name)))
}

fn text(node: Node<'_, '_>) -> String {
    node.descendants().filter(Node::is_text).filter_map(|node| node.text()).collect()
}

/// The table of steps.
fn steps<'d>(document: &'d Document<'_>) -> Node<'d, 'd> {
    document.descendants().find(|node| node.attribute("class") == Some("steps")).expect("a table")
}

/// The headings of the columns of the table of steps, each below its group's.
fn headings(document: &Document<'_>) -> Vec<[String; 2]> {
    let table = steps(document);
    let rows: Vec<Node<'_, '_>> = named(named(table, "thead").next().expect("a head"), "tr").collect();
    let span =
        |cell: Node<'_, '_>| cell.attribute("colspan").map_or(1, |span| span.parse().expect("a number"));
    let groups: Vec<String> = named(rows[0], "th").flat_map(|cell| vec![text(cell); span(cell)]).collect();
    let columns: Vec<String> = named(rows[1], "th").map(text).collect();
    assert_eq!(groups.len(), columns.len());
    groups.into_iter().zip(columns).map(|(group, column)| [group, column]).collect()
}

/// The exact number in a step's cell; 0 where the cell is empty or missing.
fn number(document: &Document<'_>, headings: &[[String; 2]], row: &str, column: [&str; 2]) -> u64 {
    let row = with_id(document, row);
    let cells: Vec<Node<'_, '_>> = row.children().filter(Node::is_element).collect();
    assert_eq!(cells.len(), headings.len(), "as many cells as columns");
    let index = headings.iter().position(|heading| *heading == column);
    let title = index.and_then(|index| cells[index].attribute("title")).unwrap_or("0");
    title.replace(',', "").split(' ').next().expect("a number").parse().expect("a number")
}

#[test]
fn every_step_has_a_row_and_a_box_with_what_it_takes() {
    for plan in plans() {
        let html = html(&plan);
        let document = parsed(&html);
        let headings = headings(&document);
        for (id, step) in plan.plan().steps() {
            let drawn = with_id(&document, &format!("box-{id}"));
            assert_eq!(named(drawn, "rect").count(), 1);
            let row = with_id(&document, &id.to_string());
            assert!(text(row).contains(step.op.name()) && text(row).contains(&step.shape.to_string()));
            for (group, cost) in [("Before the image", step.offline), ("Online", step.cost)] {
                let found = |column| number(&document, &headings, &id.to_string(), [group, column]);
                assert_eq!(
                    [found("sent ↑"), found("sent ↓"), found("rounds")],
                    [cost.bytes_up, cost.bytes_down, cost.rounds],
                    "{group} {id}"
                );
            }
            let zeros =
                step.op.weights().map(|weights| weights.iter().filter(|&&weight| weight == 0).count());
            assert_eq!(
                number(&document, &headings, &id.to_string(), ["", "zeros"]),
                zeros.unwrap_or(0) as u64
            );
        }
        let boxes = document
            .descendants()
            .filter(|node| node.attribute("class").is_some_and(|c| c.starts_with("box ")));
        assert_eq!(boxes.count(), plan.plan().steps.len());
    }
}

/// Inside the file everything leads somewhere, and nothing leads out of it.
#[test]
fn pages_load_nothing_and_links_have_targets() {
    for plan in plans() {
        let html = html(&plan);
        let namespaces = ["http://www.w3.org/1999/xhtml", "http://www.w3.org/2000/svg"];
        assert_eq!(
            html.matches("http").count(),
            1 + namespaces.map(|name| html.matches(name).count()).iter().sum::<usize>()
        );
        assert!(
            html.contains("http-equiv=\"Content-Security-Policy\" content=\"default-src &#39;none&#39;;")
        );
        for loading in ["src=", "url(", "@import", "<script", "<link", "<iframe", "<object", "<base"] {
            assert!(!html.contains(loading), "{loading}");
        }
        let document = parsed(&html);
        for link in document.descendants().filter_map(|node| node.attribute("href")) {
            with_id(&document, link.strip_prefix('#').expect("a link inside the page"));
        }
    }
}

/// A plan with hostile names everywhere.
fn hostile(mut plan: Plan) -> Plan {
    plan.name = HOSTILE.concat();
    for (step, name) in plan.steps.iter_mut().zip(HOSTILE.iter().cycle()) {
        step.name = (*name).into();
    }
    let part: &mut OutputPart = &mut plan.output.parts[0];
    let classes = part.class_count();
    part.names = HOSTILE[..4].iter().cycle().take(classes).map(|name| (*name).into()).collect();
    plan
}

#[test]
fn names_are_text_and_nothing_else() {
    for plan in plans() {
        let plan = valid(hostile(plan.into_plan()));
        let html = html(&plan);
        let document = parsed(&html);
        assert!(document.descendants().all(|node| !node.has_tag_name("script")));
        assert!(!html.contains("<script") && !html.contains("<!--"));
        let attributes = document.descendants().flat_map(|node| node.attributes());
        assert!(attributes.clone().all(|attribute| !attribute.name().starts_with("on")));
        assert!(attributes.filter(|a| a.name() == "href").all(|a| a.value().starts_with('#')));
        let heading = named(document.root_element(), "h1").next().expect("a heading");
        assert!(
            text(heading).starts_with("</title><script>alert(1)</script>\" onload="),
            "{}",
            text(heading)
        );
        assert!(text(heading).contains("turned \\u{202e} and \\u{0} \\u{1b}[31m \\u{ffff}"));
        let picture = Report::new(&plan, &Forecast::typical(&plan, None)).picture().expect("a picture");
        let picture = Document::parse(&picture).expect("well-formed");
        let names =
            picture.descendants().flat_map(|node| node.attributes()).map(|attribute| attribute.name());
        assert!(names.into_iter().all(|name| name != "href" && !name.starts_with("on")));
    }
}

/// Thousands of steps, and steps that read thousands of values.
#[test]
fn large_plans_have_pages_of_bounded_size() {
    let mut long = PlanBuilder::new(Shape::vector(1));
    for _ in 0..6000 {
        long.push(Op::Add(vec![1].into()), &[long.last()], Shape::vector(1));
    }
    let mut wide = PlanBuilder::new(Shape::vector(1));
    for _ in 0..40 {
        let first = StepId::new(0);
        wide.push(Op::Add(vec![1; 500].into()), &[first; 500], Shape::vector(1));
    }
    for (plan, rows) in [(long.finish(), 4096), (wide.finish(), 42)] {
        let mut plan = Plan { name: "x".repeat(1024), ..plan };
        plan.steps.iter_mut().for_each(|step| step.name = "\"".repeat(1024));
        let plan = valid(plan);
        let report = html(&plan);
        assert!(report.len() < 16 << 20, "{} bytes", report.len());
        assert!(!report.contains("href=\"#box-"), "no links to boxes that are not there");
        let document = parsed(&report);
        let body = named(steps(&document), "tbody").next().expect("a body");
        assert_eq!(named(body, "tr").count(), rows);
        assert!(Report::new(&plan, &Forecast::typical(&plan, None)).picture().is_none());
    }
}

/// What steps take is in the sums below them, too.
#[test]
fn sums_are_those_of_the_plan() {
    let [plan, _] = plans();
    let html = html(&plan);
    let cost: Cost = plan.plan().online_cost();
    let grouped = |count: u64| {
        let digits = count.to_string();
        let from_the_end = digits.bytes().rev().collect::<Vec<_>>();
        let groups = from_the_end.chunks(3).map(|group| String::from_utf8_lossy(group).into_owned());
        groups.collect::<Vec<_>>().join(",").chars().rev().collect::<String>()
    };
    let document = parsed(&html);
    let sum =
        document.descendants().find(|node| node.attribute("class") == Some("sum")).expect("a row of sums");
    let titles: Vec<&str> = sum.descendants().filter_map(|node| node.attribute("title")).collect();
    for bytes in [cost.bytes_up, cost.bytes_down] {
        assert!(titles.contains(&&*format!("{} bytes", grouped(bytes))), "{titles:?}");
    }
}
