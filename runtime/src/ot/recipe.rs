//! Which OTs make the products of masks of a formula.
//!
//! Every set S of the client's places that some product α_S·β_T takes is the choice of one OT, whose two strings have a bit
//! for every such T. A choice is random, and so is the difference of two bits: the first choice of one place and
//! the first bit of one place *define* the masks α_i and β_i; the others are corrected.

use super::formula::{Formula, Monomial, Places};
use std::sync::LazyLock;

/// The products of masks of one formula.
pub(super) struct Recipe {
    /// The sets S, one OT each.
    pub(super) choices: Vec<Places>,
    /// In the order of [`Formula::mixed`].
    pub(super) products: Vec<Product>,
    inputs: usize,
}

/// A product α_S·β_T.
pub(super) struct Product {
    /// The set T.
    pub(super) server: Places,
    /// The number of S.
    pub(super) choice: usize,
    /// The bit of the OT's strings.
    pub(super) plane: usize,
    /// Whether this bit is where β_i is defined, T being {i}.
    pub(super) defines: bool,
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
        let mut recipe = Self { choices: Vec::new(), products: Vec::new(), inputs: formula.inputs() };
        for Monomial { client, server } in formula.mixed() {
            if recipe.choices.last() != Some(&client) {
                recipe.choices.push(client);
            }
            let choice = recipe.choices.len() - 1;
            let plane = recipe.products.iter().filter(|product| product.choice == choice).count();
            let known = recipe.products.iter().any(|product| product.server == server);
            let defines = server.is_power_of_two() && !known;
            recipe.products.push(Product { server, choice, plane, defines });
        }
        recipe
    }

    /// Bits of an OT's strings, at most.
    pub(super) fn planes(&self) -> usize {
        self.products.iter().map(|product| product.plane + 1).max().unwrap_or(0)
    }

    /// The choices that define α_0, α_1, ….
    pub(super) fn client_masks(&self) -> impl Iterator<Item = usize> {
        (0..self.inputs).filter_map(|input| self.choices.iter().position(|&choice| choice == 1 << input))
    }

    /// The products that define β_0, β_1, ….
    pub(super) fn server_masks(&self) -> impl Iterator<Item = usize> {
        let defines = |input: usize| {
            self.products.iter().position(|product| product.defines && product.server == 1 << input)
        };
        (0..self.inputs).filter_map(defines)
    }

    /// The choices that the client corrects.
    pub(super) fn corrected_choices(&self) -> impl Iterator<Item = usize> {
        (0..self.choices.len()).filter(|&choice| !self.choices[choice].is_power_of_two())
    }

    /// The products whose bits the server corrects.
    pub(super) fn corrected_products(&self) -> impl Iterator<Item = usize> {
        (0..self.products.len()).filter(|&product| !self.products[product].defines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mask_is_defined_once() {
        for formula in Formula::all() {
            let recipe = Recipe::of(formula);
            assert_eq!(recipe.client_masks().count(), formula.inputs());
            assert_eq!(recipe.server_masks().count(), formula.inputs());
            let defined = recipe.products.iter().filter(|product| product.defines).count();
            assert_eq!(defined, formula.inputs(), "{formula:?}");
        }
    }

    /// OTs, the client's and the server's corrections, in bits.
    #[test]
    fn products_take_few_corrections() {
        let costs: Vec<_> = Formula::all()
            .map(|formula| {
                let recipe = Recipe::of(formula);
                let corrected = [recipe.corrected_choices().count(), recipe.corrected_products().count()];
                (recipe.choices.len(), corrected)
            })
            .collect();
        let sums = [(1, [0, 0]), (3, [1, 4]), (7, [4, 22]), (15, [11, 86])];
        assert_eq!(costs[..4], sums);
        assert_eq!(costs[4..6], [(3, [0, 1]), (2, [0, 0])]);
        assert_eq!(costs[6..8], [(10, [5, 19]), (7, [3, 10])]);
    }
}
