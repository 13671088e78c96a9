//! Which OTs make the products of masks of a formula.
//!
//! A product of several masks is that of the mask of its highest place with the product of the others, shared as both factors
//! are: the sum of products of shares, of which those of the client's with the server's are *terms*, each a bit of the
//! strings of an OT. A party's share of the mask is its choice, the other's share of the other masks' product the difference of
//! the two strings. All terms with the same choice are bits of one OT.
//!
//! Choices are random, and so are differences: a choice *defines* its party's share of a mask, and of masks that are no choices
//! the first difference. The others are corrected, in the first flight in which their party knows what they are to be.

use super::formula::{Formula, Places};
use super::per_party::PerParty;
use super::turns;
use crate::message::Role;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// The OTs of one formula.
pub(super) struct Recipe {
    /// In the order of [`Formula::products`].
    pub(super) terms: Vec<Term>,
    /// Of the OTs in which a party chooses, the place of whose mask its share is the choice.
    choices: PerParty<Vec<u8>>,
}

/// The product of one party's share of the mask of a place with the other's share of a product of masks.
pub(super) struct Term {
    /// Whose share of the mask it is.
    pub(super) chooser: Role,
    /// The place.
    pub(super) place: u8,
    /// Of which masks the other's share is of the product.
    pub(super) rest: Places,
    /// The number of the OT, among those in which this party chooses.
    pub(super) transfer: usize,
    /// The bit of the OT's strings.
    pub(super) plane: usize,
    /// The flight of the correction; none where the bit defines a mask.
    flight: Option<usize>,
}

/// What a party's mask is.
pub(super) enum Origin {
    /// Its choice in the OT of this number.
    Choice(usize),
    /// The difference of strings of the term of this number.
    Difference(usize),
}

/// The factors of a product: its highest place, and the others.
pub(super) const fn split(product: Places) -> (u8, Places) {
    let place = product.ilog2() as u8;
    (place, product & !(1 << place))
}

impl Recipe {
    /// Of a formula that exists.
    pub(super) fn of(formula: Formula) -> &'static Self {
        static ALL: LazyLock<Vec<(Formula, Recipe)>> =
            LazyLock::new(|| Formula::all().map(|formula| (formula, Recipe::new(formula))).collect());
        let found = ALL.iter().find(|(of, _)| *of == formula);
        &found.expect("supplies refuse other formulas").1
    }

    fn new(formula: Formula) -> Self {
        let factors = formula.products().into_iter().map(split).filter(|&(_, rest)| rest != 0);
        let factors: Vec<(u8, Places)> = factors.collect();
        let held = formula.held();
        let takes = |chooser: Role, &(place, rest): &(u8, Places)| {
            held.get(chooser) >> place & 1 == 1 && held.get(chooser.peer()) & rest != 0
        };
        let choices = |chooser: Role| {
            let places = factors.iter().filter(|factors| takes(chooser, factors)).map(|&(place, _)| place);
            places.collect::<BTreeSet<u8>>().into_iter().collect()
        };
        let choices = PerParty { client: choices(Role::Client), server: choices(Role::Server) };
        let mut recipe = Self { terms: Vec::new(), choices };
        let mut known = Known::default();
        for factors @ (place, rest) in factors {
            let choosers =
                [Role::Client, Role::Server].into_iter().filter(|&chooser| takes(chooser, &factors));
            let terms: Vec<Term> =
                choosers.map(|chooser| recipe.term(chooser, place, rest, &known)).collect();
            known.add(place, rest, &terms);
            recipe.terms.extend(terms);
        }
        recipe
    }

    /// A term after those that there are.
    fn term(&self, chooser: Role, place: u8, rest: Places, known: &Known) -> Term {
        let choices = self.choices.get(chooser);
        let transfer = choices.iter().take_while(|&&choice| choice != place).count();
        let same_choice = |term: &&Term| term.chooser == chooser && term.place == place;
        let same_rest = |term: &Term| term.chooser == chooser && term.rest == rest;
        let chosen = |place: &u8| 1 << place == rest;
        let owner = chooser.peer();
        let known_before = self.choices.get(owner).iter().any(chosen) || self.terms.iter().any(same_rest);
        let defines = rest.is_power_of_two() && !known_before;
        Term {
            chooser,
            place,
            rest,
            transfer,
            plane: self.terms.iter().filter(same_choice).count(),
            flight: (!defines).then(|| known.next_flight(owner, rest)),
        }
    }

    /// Of the OTs in which `chooser` chooses, the places of whose masks its shares are the choices.
    pub(super) fn choices(&self, chooser: Role) -> &[u8] {
        self.choices.get(chooser)
    }

    /// Bits of the strings of the OTs in which `chooser` chooses, at most.
    pub(super) fn planes(&self, chooser: Role) -> usize {
        let terms = self.terms.iter().filter(|term| term.chooser == chooser);
        terms.map(|term| term.plane + 1).max().unwrap_or(0)
    }

    /// Where `role` has its share of the mask of a place from; none where it has none.
    pub(super) fn origin(&self, role: Role, place: u8) -> Option<Origin> {
        let choice = self.choices.get(role).iter().position(|&choice| choice == place);
        let defines = |term: &Term| term.chooser != role && term.rest == 1 << place && term.flight.is_none();
        choice.map(Origin::Choice).or_else(|| self.terms.iter().position(defines).map(Origin::Difference))
    }

    /// The numbers of the terms whose bits are corrected in a flight.
    pub(super) fn corrected(&self, flight: usize) -> impl Iterator<Item = usize> {
        (0..self.terms.len()).filter(move |&term| self.terms[term].flight == Some(flight))
    }

    /// Flights of corrections, up to the last one.
    pub(super) fn flights(&self) -> usize {
        self.terms.iter().filter_map(|term| term.flight).map(|last| last + 1).max().unwrap_or(0)
    }
}

/// The first flight of each party in which it knows its share of a product, unless that is the first of all.
#[derive(Default)]
struct Known(PerParty<BTreeMap<Places, usize>>);

impl Known {
    fn next_flight(&self, role: Role, product: Places) -> usize {
        self.0.get(role).get(&product).copied().unwrap_or(turns::first(role))
    }

    /// The product of these factors, with its terms.
    fn add(&mut self, place: u8, rest: Places, terms: &[Term]) {
        for role in [Role::Client, Role::Server] {
            let after_corrections =
                terms.iter().filter(|term| term.chooser == role).filter_map(|term| term.flight);
            let after_corrections = after_corrections.map(|flight| flight + 1).max();
            let flight = after_corrections.into_iter().fold(self.next_flight(role, rest), usize::max);
            self.0.get_mut(role).insert(rest | 1 << place, flight);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mask_is_defined_once() {
        for formula in Formula::all() {
            let (recipe, held) = (Recipe::of(formula), formula.held());
            for role in [Role::Client, Role::Server] {
                for place in 0..formula.places() {
                    let mask = recipe.origin(role, place);
                    assert_eq!(mask.is_some(), held.get(role) >> place & 1 == 1, "{formula:?} {place}");
                }
                let choices = recipe.choices(role).len();
                let differences = |term: &&Term| term.chooser != role && term.flight.is_none();
                assert_eq!(choices + recipe.terms.iter().filter(differences).count(), formula.inputs());
            }
        }
    }

    /// A correction is made of what its sender knows by then.
    #[test]
    fn corrections_wait_for_those_that_they_are_made_of() {
        for formula in Formula::all() {
            let Recipe { terms, .. } = Recipe::of(formula);
            for Term { chooser, rest, flight, .. } in terms {
                assert!(flight.is_none_or(|flight| turns::sender(flight) == chooser.peer()));
                let part = |term: &&Term| rest & term.rest == term.rest && rest >> term.place & 1 == 1;
                let parts = terms.iter().filter(part).filter(|term| term.chooser == chooser.peer());
                assert!(
                    parts
                        .filter_map(|part| part.flight)
                        .all(|part| flight.is_some_and(|flight| part < flight))
                );
            }
        }
    }

    /// OTs in which the client and the server chooses, corrections of each flight, in bits.
    #[test]
    fn products_take_few_corrections() {
        let costs: Vec<_> = Formula::all()
            .map(|formula| {
                let recipe = Recipe::of(formula);
                let corrected = (0..recipe.flights()).map(|flight| recipe.corrected(flight).count());
                let [client, server] = [Role::Client, Role::Server].map(|role| recipe.choices(role).len());
                (client, server, corrected.collect::<Vec<_>>())
            })
            .collect();
        let sums = [(1, 0, vec![]), (2, 0, vec![0, 4]), (3, 0, vec![0, 22]), (4, 0, vec![0, 86])];
        assert_eq!(costs[..4], sums);
        assert_eq!(costs[4..6], [(1, 1, vec![]), (1, 1, vec![])]);
        assert_eq!(costs[6..8], [(2, 2, vec![5, 5]), (2, 2, vec![3, 3])]);
        assert_eq!(costs[8..], [(3, 3, vec![13, 18, 5]), (3, 3, vec![9, 12, 3])]);
    }
}
