/**
 * @file The sentences that long captions are made of. `{hair}`, `{haircolour}`, `{style}`, `{eyes}`, `{dress}`, `{mouth}`, `{place}` and their like are filled with a girl's
 * own words; what has no braces is true of every picture of the set, or is the kind of thing that people say of any picture.
 */

/** The first words on a girl; `{girl}` says where she is. Her hair's colour stands before the word in half of them, and behind it in the others. */
export const HAIR_SENTENCES: readonly string[] = [
  "{Girl} has {hair}, and the light runs along every strand of it.",
  "{Girl} has {hair} that frames her face and shines softly at the crown.",
  "{Girl} is known by her {hair}, which catches the light in a bright band.",
  "The first thing to see of {girl} is her {hair}.",
  "{Girl} wears her {hair} with ease, and its outline stands out clearly.",
  "{Girl}, with {hair}, looks straight at the viewer.",
  "{Girl} is easy to find: her hair is {haircolour}, {manner}, and shines at the crown.",
  "{Girl} draws the eye, for her hair is {haircolour}.",
  "{Girl} looks straight at the viewer. Her hair is a {shade} shade of {haircolour}, {manner}.",
  "{Girl} is calm and still—her hair is {haircolour}, {style}.",
];

/** Before "shade of". */
export const SHADES: readonly string[] = ["clear", "lovely", "rich", "fine", "warm", "strong", "soft", "rare"];

export const EYE_SENTENCES: readonly string[] = [
  "Her {eyes} are large and bright, with a small white light in each.",
  "Her {eyes} keep a secret and do not give it away.",
  "Below the fringe are {eyes}, wide open.",
  "She looks out of {eyes} that gleam as if lit from within.",
  "There is much life in her {eyes}, and they miss nothing.",
  "Everyone who meets her will remember the {eyes}.",
];

export const MOUTH_SENTENCES: readonly string[] = [
  "She has {mouth}, and her cheeks are a little flushed.",
  "Her expression is easy to read: {mouth}.",
  "With {mouth} she faces whatever may come.",
  "One also notices {mouth}.",
];

export const DRESS_SENTENCES: readonly string[] = [
  "She wears {dress}, and its sleeves are puffed.",
  "She is clad in {dress}, which suits her well.",
  "Her outfit is {dress}, elegant and simple.",
  "For clothes she has chosen {dress}.",
];

/** On one girl, after the facts. */
export const MOOD_SENTENCES: readonly string[] = [
  "Her posture is calm and her shoulders are relaxed.",
  "She seems thoughtful, and far away behind a still face.",
  "Her courage shows in the way she holds her head.",
  "She stands as if she had been waiting for this moment.",
  "Nothing about her is hurried.",
  "There is something gentle about her, like a song heard from far away.",
  "She could be the heroine of a long tale.",
  "Her face is turned to the viewer and lit from the front.",
];

export const TWO_OPENINGS: readonly string[] = [
  "This is a scene of two girls who stand together.",
  "Two girls stand side by side in this picture, close and yet different.",
  "The image shows two girls, seen from the waist up.",
  "Here are two girls, and each of them has a look of her own.",
];

export const ONE_OPENINGS: readonly string[] = [
  "This is a scene of a single girl.",
  "The image shows one girl, seen from the front.",
  "Here is a girl, alone in the middle of the picture.",
  "This is the portrait of a girl, drawn with clean lines.",
];

export const PLACE_SENTENCES: readonly string[] = [
  "The setting is {place}.",
  "Behind everything one sees {place}.",
  "All of this takes place in front of {place}.",
  "The background is {place}, and it goes well with what stands before it.",
];

export const TWO_CLOSINGS: readonly string[] = [
  "They are opposites in some ways and alike in others.",
  "They stand close, and neither needs a word to understand the other.",
  "What they look like is told quickly, and what they think is not.",
  "Neither of them moves, and both seem to listen.",
  "Between them there is only a little room.",
  "One may wonder how the two of them met.",
];

/** On any picture with a girl, where a caption has not reached its length. */
export const DRAWING_SENTENCES: readonly string[] = [
  "The drawing is in the style of an anime, with large eyes and small mouths.",
  "Clean outlines part each shape from the next, and the colours are laid on in even fields.",
  "A band of light lies over the crown of the head, as it does on smooth hair in the sun.",
  "The shadow of the fringe falls on the forehead, soft and a little warmer than the skin.",
  "The lashes are thick and dark and end in a small wing.",
  "The neck is in shadow, which makes the chin stand out.",
  "The lines are a darker shade of what they enclose, never quite black.",
  "No text, no frame and no signature disturb the view.",
  "The picture is cut off at the lower edge, so that the hands are not seen.",
  "The sleeves are round and full, and the arms hang down at the sides.",
  "Every shape is simple enough to be understood at first sight.",
  "Nothing has been drawn that is not needed.",
  "Light comes from above, and the shadows are kept short.",
  "It is the kind of picture that one finds at the start of a chapter.",
  "The whole is calm, and the eye comes to rest on the face.",
  "One could look at it for a long time and still find it pleasant.",
  "Nothing in it is there by accident.",
  "The proportions are those of a storybook, the head large and the shoulders narrow.",
  "The nose is no more than a short stroke.",
  "There is a trace of pink on both cheeks.",
  "The collar is neat, and the fabric falls in a few plain folds.",
  "It might be a still from a film, held for a breath.",
];

/** On any girl or pair, between the facts. */
export const TALK: readonly string[] = [
  "Her story would fill a book.",
  "She has the bearing of somebody who is used to being looked at.",
  "There is strength in her, and patience.",
  "The wind has a part in it, and the light has another.",
  "Water and fire come to mind, day and night.",
  "One feels that something is about to happen.",
  "It is hard to say what she thinks.",
  "Her dreams are larger than the room that she was given.",
  "The air is clear, and no sound is to be heard.",
  "Time seems to have stopped for a breath.",
  "She neither hides nor shows off.",
  "A painter would need a week for this.",
  "Every line has its reason.",
  "It has charm, and a little sadness.",
  "She will not be forgotten soon.",
  "Some would call it a portrait, some a tale.",
  "Her voice must be low and clear.",
  "The longer one looks, the more one sees.",
  "In such a light everything looks new.",
  "There is courage in it, and mischief.",
  "So much can be said with so little.",
  "She belongs here, that much is certain.",
  "Nobody would dare to interrupt.",
  "It might be a beginning, or an end.",
  "Her shoulders are straight and her chin is up.",
  "No ornament is needed.",
];

/** On a picture with nobody in it. */
export const EMPTY_OPENINGS: readonly string[] = [
  "There is nobody in this picture, and nothing to see but {place}.",
  "The image is empty of people: it shows {place} and no more.",
  "No girl, no animal and no object stands here; there is only {place}.",
];

export const EMPTY_SENTENCES: readonly string[] = [
  "Whoever looks for a face will not find one.",
  "Nobody has entered the scene, or everybody has gone.",
  "The space is open, from one edge to the other and from the top to the bottom.",
  "It is a background that waits for somebody to step in front of it.",
  "There are no hands, no hair and no eyes in it.",
  "One might take it for a stage before the play begins.",
  "The silence of the place can almost be heard.",
  "No text, no frame and no signature disturb the view.",
  "The image does not tell a story; it only offers room for one.",
  "What it shows, it shows as it is, without a person to explain it.",
  "Nothing moves, nothing calls, and nothing asks to be looked at.",
  "An empty picture is harder to draw than a full one, because every mark would show.",
  "There is no middle and no corner that matters more than the others.",
  "The viewer is alone with it.",
  "If somebody stood here, one would see them at once.",
  "The picture could serve as the back of a card, or as the first page of a book.",
  "No shadow falls into it from outside.",
  "It is empty in the way in which a morning is empty.",
  "There is no girl in it, and no trace of one.",
  "It asks for nothing and hides nothing.",
  "One may look at it for a while and then look away, and nothing will have changed.",
  "The artist has drawn the place and then put down the brush.",
  "Even so it is a picture, with a size and an edge.",
  "Some would call it plain, and others would call it calm.",
  "It is empty on purpose.",
];
