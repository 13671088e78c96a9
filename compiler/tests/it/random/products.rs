//! A product of two values in random networks, for suite `shared` alone.

use super::{Piece, Recipe};
use proptest::prelude::*;

/// Recipes, half of them with a gate, a product or a square after some piece.
pub(crate) fn multiplied(recipes: impl Strategy<Value = Recipe>) -> impl Strategy<Value = Recipe> {
    let product = prop_oneof![Just(Piece::Gate), any::<bool>().prop_map(|square| Piece::Product { square })];
    let product = (any::<prop::sample::Index>(), product);
    (recipes, proptest::option::of(product)).prop_map(|(mut recipe, product)| {
        if let Some((place, product)) = product {
            recipe.pieces.insert(place.index(recipe.pieces.len() + 1), product);
        }
        recipe
    })
}
